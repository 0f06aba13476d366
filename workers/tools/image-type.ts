/**
 * Detects an image's type from its first bytes. Servers label images by file name or by habit, and a provider rejects a
 * whole request for one image with a wrong type (https://github.com/microsoft/vscode/issues/311732).
 */
export type ImageType = "image/png" | "image/jpeg" | "image/gif" | "image/webp";

/** Base64 characters that cover every signature. */
const HEAD_CHARACTERS = 32;
const BASE64 = /^[A-Za-z0-9+/_-]/;

/** Undefined for a type that models do not accept. */
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
