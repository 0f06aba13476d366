/** Reads an image from any answer of a service: base64, a data URL, or a URL that is fetched with guards. */
import { z } from "zod";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import { detectImageType } from "../image-type.ts";
import { ImageError } from "./image-model.ts";
import { checkImageSize, MAX_IMAGE_BYTES } from "./image-size.ts";

const imageSchema = z.union([
  z.string().transform((image) => ({ image })),
  z.looseObject({
    b64_json: z.string().nullish(),
    image_base64: z.string().nullish(),
    image: z.string().nullish(),
    url: z.string().nullish(),
    image_url: z.string().nullish(),
    revised_prompt: z.string().nullish(),
  }),
]);
/** Some services name the list `images`. */
const listSchema = z.looseObject({ data: z.unknown(), images: z.unknown() }).partial();
const BASE64 = /^[A-Za-z0-9+/_\s-]+={0,2}$/;
const DATA_URL = /^data:[^,]*;base64,/i;

export interface ReadImageOptions {
  fetch: GuardedFetch;
  /** The service's URL, for a relative image URL. */
  baseUrl: string;
  signal: AbortSignal;
  timeoutMs: number;
}

export interface ReadImage {
  base64: string;
  revisedPrompt?: string | undefined;
}

/** The first image of a list, or of an answer that is one image. Undefined if there is none. */
export async function readImage(answer: unknown, options: ReadImageOptions): Promise<ReadImage | undefined> {
  const list = listSchema.safeParse(answer).data ?? {};
  const listed: unknown[] = [list.data, list.images].flatMap((each: unknown) => (Array.isArray(each) ? each : [each]));
  // An answer that is only a text is a page or a message, not an image.
  for (const candidate of typeof answer === "string" ? [] : [...listed, answer]) {
    const found = imageSchema.safeParse(candidate).data;
    if (found === undefined) continue;
    const { revised_prompt } = "revised_prompt" in found ? found : {};
    const { b64_json, image_base64, image, url, image_url } = { ...EMPTY_IMAGE, ...found };
    const source = [b64_json, image_base64, image, url, image_url].find((each) => each != null && each.trim() !== "");
    if (source == null) continue;
    return {
      base64: checkImageSize(await loadBase64(source.trim(), options)),
      revisedPrompt: revised_prompt ?? undefined,
    };
  }
  return undefined;
}

const EMPTY_IMAGE = { b64_json: null, image_base64: null, image: null, url: null, image_url: null };

async function loadBase64(source: string, options: ReadImageOptions): Promise<string> {
  const data = DATA_URL.exec(source);
  if (data !== null) return source.slice(data[0].length);
  if (/^https?:\/\//i.test(source)) return await fetchImage(source, options);
  const isPath = source.startsWith("/") && !source.startsWith("/9j/");
  if (isPath) return await fetchImage(new URL(source, options.baseUrl).href, options);
  if (!BASE64.test(source)) throw new ImageError("server_error", "The image service returned no image.");
  return source;
}

async function fetchImage(url: string, { fetch, signal, timeoutMs }: ReadImageOptions): Promise<string> {
  const read = await fetch.read(url, { signal, maxBytes: MAX_IMAGE_BYTES, timeoutMs });
  if (read.status !== 200) throw new Error(`The image's URL answered with status ${read.status}.`);
  const isText = /^(text\/|application\/(json|xml))/.test(read.contentType ?? "");
  if (isText && detectImageType(read.body) === undefined) {
    throw new ImageError("server_error", "The image service's URL does not lead to an image.");
  }
  return Buffer.from(read.body).toString("base64");
}
