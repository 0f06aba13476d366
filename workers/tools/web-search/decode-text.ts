/** Text that is no HTML, as its server, its first bytes, or else its content says. Undefined if it is no text. */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string | undefined {
  const decoder = openDecoder(byteOrderMark(bytes) ?? charset);
  const text = decoder.decode(bytes);
  // What is binary under any name has characters that no text has.
  return text.includes("\0") ? undefined : text;
}

/** Says more than any header: the WHATWG's rule for every text. */
function byteOrderMark([first, second]: Uint8Array): string | undefined {
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return undefined;
}

function openDecoder(charset: string | undefined): TextDecoder {
  try {
    return new TextDecoder(charset ?? "utf-8");
  } catch {
    return new TextDecoder();
  }
}
