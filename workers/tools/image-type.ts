/**
 * The type of an image by its first bytes. Servers label images by a file's name or by habit, and a provider refuses a whole
 * request for one image that is not of the type that it is said to be (https://github.com/microsoft/vscode/issues/311732).
 */
export type ImageType = "image/png" | "image/jpeg" | "image/gif" | "image/webp";

/** Base64 of more bytes than any signature has. */
const HEAD_CHARACTERS = 32;
const BASE64 = /^[A-Za-z0-9+/_-]/;

/** Undefined for what none of the types that models take begins with. */
export function detectImageType(bytes: Uint8Array): ImageType | undefined {
  const head = Buffer.from(bytes.subarray(0, HEAD_CHARACTERS)).toString("latin1");
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) return "image/gif";
  return head.startsWith("RIFF") && head.slice(8, 12) === "WEBP" ? "image/webp" : undefined;
}

export function detectBase64ImageType(base64: string): ImageType | undefined {
  const head = base64.slice(0, HEAD_CHARACTERS);
  return BASE64.test(head) ? detectImageType(Buffer.from(head, "base64")) : undefined;
}
