/** How large an image may be: it stands in the log, in base64. */
import { ImageFault } from "./image-model.ts";

export const IMAGE_MAXIMUM_BYTES = 16 * 1024 * 1024;
const BASE64_GROWTH = 4 / 3;

export function checkSize(base64: string): string {
  if (base64.length <= IMAGE_MAXIMUM_BYTES * BASE64_GROWTH) return base64;
  throw new ImageFault("image_too_large", `The image is larger than ${IMAGE_MAXIMUM_BYTES} bytes.`);
}
