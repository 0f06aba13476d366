/** Limits the size of an image, because the log contains it in base64. */
import { ImageError } from "./image-model.ts";

export const MAX_IMAGE_BYTES = 16 * 1024 * 1024;
const BASE64_GROWTH = 4 / 3;

export function checkImageSize(base64: string): string {
  if (base64.length <= MAX_IMAGE_BYTES * BASE64_GROWTH) return base64;
  throw new ImageError("image_too_large", `The image is larger than ${MAX_IMAGE_BYTES} bytes.`);
}
