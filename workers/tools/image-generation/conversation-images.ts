/** Finds the images in a conversation that can be changed or combined: images of users, and generated images. */
import { GuardedFetchError } from "../../net/errors.ts";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { detectImageType } from "../image-type.ts";
import { ImageError, type InputImage } from "./image-model.ts";

/** Maximum images: the newest. Services accept no more. */
const MAX_IMAGES = 8;
const MAX_IMAGE_BYTES = 16 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 30_000;
const EDITABLE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);
const DATA_URL = /^data:([a-z]+\/[a-z0-9+.-]+)?(?:;[^,;]*)*;base64,/i;

/** Their URLs, oldest first. */
export function collectConversationImages(context: readonly ContextItem[]): string[] {
  const urls = context.flatMap((item) => {
    if (item.type === "image_generation_call") {
      return item.result == null ? [] : [dataUrl(item.result, item.output_format ?? "png")];
    }
    if (item.type !== "message" || typeof item.content === "string") return [];
    return item.content.flatMap((part) => (part.type === "input_image" && part.image_url ? [part.image_url] : []));
  });
  return urls.slice(-MAX_IMAGES);
}

function dataUrl(base64: string, format: string): string {
  return `data:image/${format};base64,${base64}`;
}

/** Rejects with an ImageError if there is no readable image. */
export async function loadImage(url: string, fetch: GuardedFetch, signal: AbortSignal): Promise<InputImage> {
  const data = DATA_URL.exec(url);
  if (data !== null) return checkType(data[1] ?? "", new Uint8Array(Buffer.from(url.slice(data[0].length), "base64")));
  if (url.startsWith("data:")) throw unsupportedImageError();
  try {
    const read = await fetch.read(url, { signal, maxBytes: MAX_IMAGE_BYTES, timeoutMs: FETCH_TIMEOUT_MS });
    if (read.status !== 200)
      throw new ImageError("invalid_image_url", `An image's URL answered with status ${read.status}.`);
    return checkType(read.contentType ?? "", new Uint8Array(read.body));
  } catch (error) {
    if (!(error instanceof GuardedFetchError)) throw error;
    throw new ImageError("invalid_image_url", `An image could not be loaded. ${error.message}`, { cause: error });
  }
}

/** The type from the bytes, or else from the label. */
function checkType(label: string, bytes: Uint8Array<ArrayBuffer>): InputImage {
  const mediaType = detectImageType(bytes) ?? label;
  if (!EDITABLE_TYPES.has(mediaType)) throw unsupportedImageError();
  return { bytes, mediaType };
}

function unsupportedImageError(): ImageError {
  return new ImageError("invalid_image_format", "Only images of type png, jpeg and webp can be changed.");
}
