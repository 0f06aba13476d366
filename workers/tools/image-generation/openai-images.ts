/**
 * Services of the OpenAI images API, by the official SDK, which streams unfinished images where the AI SDK does not. The
 * answer is read by what it is, a stream or JSON: many servers of this protocol do not stream and say nothing of it.
 */
import OpenAI, { APIConnectionError, APIError, toFile } from "openai";
import { Stream } from "openai/core/streaming";
import { z } from "zod";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import { detectBase64ImageType } from "../image-type.ts";
import {
  type GeneratedImage,
  type GenerateOptions,
  ImageError,
  type ImageModel,
  type ImageRequest,
  type ImageSettings,
} from "./image-model.ts";
import { readImage, type ReadImageOptions } from "./read-image.ts";
import { readError, fetchWithErrors } from "./error-shape.ts";
import { type ServiceErrorAnswer, toImageError, toTimeoutError } from "./image-service-error.ts";
import { findUnknownParameters } from "./unknown-parameters.ts";

export interface OpenAiImagesSettings {
  model: string;
  baseUrl: string;
  key: string | undefined;
  headers: Record<string, string>;
  /** For one image, with everything that is tried. */
  timeoutMs: number;
  /** To where an answer may point instead of having the image in it. */
  fetch: GuardedFetch;
}

/** Many local servers want no key, but the SDK does. */
const NO_KEY = "none";
const MAX_RETRIES = 2;
/** With all its unfinished images. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const HTTP_BAD_REQUEST = 400;

const DESCRIPTION_FIELDS = {
  background: z.string().nullish(),
  output_format: z.string().nullish(),
  quality: z.string().nullish(),
  size: z.string().nullish(),
};
const describedSchema = z.object(DESCRIPTION_FIELDS);
const eventSchema = z.looseObject({
  type: z.string().regex(/^image_(generation|edit)\.(partial_image|completed)$/),
  ...DESCRIPTION_FIELDS,
});

export class OpenAiImages implements ImageModel {
  readonly #settings: OpenAiImagesSettings;
  readonly #client: OpenAI;
  /** Parameters that the service does not know, by what it was asked to do. */
  readonly #unknownParameters = { generate: new Set<string>(), edit: new Set<string>() };

  constructor(settings: OpenAiImagesSettings) {
    this.#settings = settings;
    this.#client = new OpenAI({
      apiKey: settings.key ?? NO_KEY,
      baseURL: settings.baseUrl,
      defaultHeaders: settings.headers,
      maxRetries: MAX_RETRIES,
      timeout: settings.timeoutMs,
      // Not what the environment says for another purpose.
      organization: null,
      project: null,
      logLevel: "off",
      fetch: fetchWithErrors,
    });
  }

  async generate(order: ImageRequest, { signal, onPartial }: GenerateOptions): Promise<GeneratedImage> {
    const limit = AbortSignal.timeout(this.#settings.timeoutMs);
    const within = AbortSignal.any([signal, limit]);
    const { baseUrl, fetch, key, headers, timeoutMs } = this.#settings;
    const reading = { baseUrl, fetch, signal: within, timeoutMs };
    try {
      const response = limitBody(await this.#send(order, within));
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
      const image = isStream ? await readStream(response, reading, onPartial) : await readAnswer(response, reading);
      // A stream of the SDK that was aborted ends as if it had been read to its end.
      within.throwIfAborted();
      if (image === undefined) throw new ImageError("server_error", "The image service sent no image.");
      const unknown = this.#unknownParameters[order.images.length === 0 ? "generate" : "edit"];
      return { ...image, ignoredSettings: Object.keys(order.settings).filter((name) => unknown.has(name)) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImageError) throw error;
      const secrets = [key ?? "", ...Object.values(headers)];
      throw toTimeoutError(limit, timeoutMs) ?? toImageError(readServiceError(error), secrets, error);
    }
  }

  /** Once more without what the service does not know. Each try knows more of that, so there are few. */
  async #send(order: ImageRequest, signal: AbortSignal): Promise<Response> {
    const unknown = this.#unknownParameters[order.images.length === 0 ? "generate" : "edit"];
    for (;;) {
      const parameters = buildParameters(order, unknown);
      try {
        return await this.#sendOnce(order, parameters, signal);
      } catch (error) {
        const refusal = readServiceError(error);
        const named = refusal === undefined ? [] : findUnknownParameters(refusal, Object.keys(parameters));
        if (named.length === 0) throw error;
        for (const name of named) unknown.add(name);
        // One says nothing without the other.
        if (named.includes("stream") || named.includes("partial_images")) unknown.add("stream").add("partial_images");
      }
    }
  }

  async #sendOnce({ prompt, images, mask }: ImageRequest, parameters: RequestParameters, signal: AbortSignal) {
    const body = { model: this.#settings.model, prompt, ...parameters };
    if (images.length === 0) return await this.#client.images.generate(body, { signal }).asResponse();
    const files = await Promise.all([...images, ...(mask === undefined ? [] : [mask])].map(toUpload));
    const image = files.slice(0, images.length);
    const edit = { ...body, image, ...(mask && { mask: files.at(-1)! }) };
    return await this.#client.images.edit(edit, { signal }).asResponse();
  }
}

interface RequestParameters extends ImageSettings {
  response_format?: "b64_json";
  stream?: true;
  partial_images?: number;
}

/** Base64 is asked for: an address may lead to where only the service can read it, or where this server may not. */
function buildParameters(
  { settings, images, partialImages }: ImageRequest,
  unknown: ReadonlySet<string>,
): RequestParameters {
  const { input_fidelity, moderation, ...common } = settings;
  const isEdit = images.length > 0;
  const all: RequestParameters = {
    ...common,
    ...(isEdit ? input_fidelity && { input_fidelity } : moderation && { moderation }),
    response_format: "b64_json",
    ...(partialImages > 0 && { stream: true as const, partial_images: partialImages }),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !unknown.has(name)));
}

/** A stream's error has no status: one that names the request's fault is told as a refused request is. */
function readServiceError(error: unknown): (ServiceErrorAnswer & { param: string | null | undefined }) | undefined {
  if (!(error instanceof APIError) || error instanceof APIConnectionError) return undefined;
  const { code, param, type } = error;
  const isOfRequest = /invalid_request|user_error|moderation|content_policy|safety/.test(`${type} ${code}`);
  const status = error.status ?? (isOfRequest ? HTTP_BAD_REQUEST : undefined);
  return { status, code, param, message: error.message.replace(/^\d{3} /, "") };
}

async function readAnswer(response: Response, options: ReadImageOptions): Promise<GeneratedImage | undefined> {
  if (response.headers.get("content-type")?.startsWith("image/") === true) {
    return { base64: Buffer.from(await response.arrayBuffer()).toString("base64") };
  }
  const answer: unknown = await response.json();
  const image = await readImage(answer, options);
  if (image !== undefined) return { ...image, ...describe(answer, image.base64) };
  if (typeof answer === "object" && answer !== null && "error" in answer && answer.error != null) {
    throw new APIError(HTTP_BAD_REQUEST, readError(JSON.stringify(answer)), undefined, response.headers);
  }
  return undefined;
}

async function readStream(response: Response, options: ReadImageOptions, onPartial: GenerateOptions["onPartial"]) {
  let image: GeneratedImage | undefined;
  for await (const event of Stream.fromSSEResponse<unknown>(response, new AbortController())) {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success) continue;
    const read = await readImage(parsed.data, options);
    if (read === undefined) continue;
    const shown = { ...read, ...describe(parsed.data, read.base64) };
    if (parsed.data.type.endsWith(".completed")) image = shown;
    else onPartial(shown);
  }
  return image;
}

/** What the bytes are counts more than what they are said to be. */
function describe(answer: unknown, base64: string): Omit<GeneratedImage, "base64"> {
  const said = describedSchema.safeParse(answer).data ?? {};
  return {
    background: said.background ?? undefined,
    outputFormat: detectBase64ImageType(base64)?.slice("image/".length) ?? said.output_format ?? undefined,
    quality: said.quality ?? undefined,
    size: said.size ?? undefined,
  };
}

async function toUpload({ bytes, mediaType }: ImageRequest["images"][number]) {
  return await toFile(bytes, `image.${mediaType.slice("image/".length)}`, { type: mediaType });
}

/** The response, whose reading fails once it is longer than it may be. */
function limitBody(response: Response): Response {
  let left = MAX_ANSWER_BYTES;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      left -= chunk.length;
      if (left >= 0) controller.enqueue(chunk);
      else controller.error(new ImageError("image_too_large", "The image service's answer is too large."));
    },
  });
  return new Response(response.body?.pipeThrough(counted) ?? null, response);
}
