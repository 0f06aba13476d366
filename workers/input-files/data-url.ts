/** Bytes in requests: base64 with or without a type in front. */

export interface DecodedData {
  bytes: Uint8Array<ArrayBuffer>;
  /** As the client labelled it. */
  mediaType: string | undefined;
}

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*?(;base64)?,/;

export function toDataUrl(bytes: Uint8Array, mediaType: string): string {
  const { buffer, byteOffset, length } = bytes;
  return `data:${mediaType};base64,${Buffer.from(buffer, byteOffset, length).toString("base64")}`;
}

/** Undefined if the text is no such data. */
export function decodeData(data: string): DecodedData | undefined {
  const match = DATA_URL.exec(data);
  if (match === null) return { bytes: decodeBase64(data), mediaType: undefined };
  const rest = data.slice(match[0].length);
  const mediaType = match[1] === "" ? undefined : match[1];
  if (match[2] !== undefined) return { bytes: decodeBase64(rest), mediaType };
  try {
    return { bytes: new Uint8Array(Buffer.from(decodeURIComponent(rest))), mediaType };
  } catch {
    return undefined;
  }
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}
