/**
 * Generates images with the OpenAI images API and the official SDK, which streams partial images, unlike the AI SDK.
 * The content type decides whether an answer is a stream or JSON: many servers ignore `stream`.
 */
import OpenAI, { APIConnectionError, APIError, toFile } from "openai";
import { Stream } from "openai/core/streaming";
import { z } from "zod";
import { NO_API_KEY } from "../../../src/providers/credentials.ts";
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
  /** Timeout for one image, including retries. */
  timeoutMs: number;
  /** Fetches an image if the answer has its URL. */
  fetch: GuardedFetch;
}

const MAX_RETRIES = 2;
/** Maximum bytes of an answer, including its partial images. */
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
  /** Parameters that the service rejected as unknown, by operation. */
  readonly #unknownParameters = { generate: new Set<string>(), edit: new Set<string>() };

  constructor(settings: OpenAiImagesSettings) {
    this.#settings = settings;
    this.#client = new OpenAI({
      apiKey: settings.key ?? NO_API_KEY,
      baseURL: settings.baseUrl,
      defaultHeaders: settings.headers,
      maxRetries: MAX_RETRIES,
      timeout: settings.timeoutMs,
      // The environment's values have another purpose.
      organization: null,
      project: null,
      logLevel: "off",
      fetch: fetchWithErrors,
    });
  }

  async generate(request: ImageRequest, { signal, onPartial }: GenerateOptions): Promise<GeneratedImage> {
    const limit = AbortSignal.timeout(this.#settings.timeoutMs);
    const within = AbortSignal.any([signal, limit]);
    const { baseUrl, fetch, key, headers, timeoutMs } = this.#settings;
    const reading = { baseUrl, fetch, signal: within, timeoutMs };
    try {
      const response = limitBody(await this.#send(request, within));
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
      const image = isStream ? await readStream(response, reading, onPartial) : await readAnswer(response, reading);
      // The SDK ends an aborted stream as if it were complete.
      within.throwIfAborted();
      if (image === undefined) throw new ImageError("server_error", "The image service returned no image.");
      const unknown = this.#unknownParameters[request.images.length === 0 ? "generate" : "edit"];
      return { ...image, ignoredSettings: Object.keys(request.settings).filter((name) => unknown.has(name)) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImageError) throw error;
      const secrets = [key ?? "", ...Object.values(headers)];
      throw toTimeoutError(limit, timeoutMs) ?? toImageError(readServiceError(error), secrets, error);
    }
  }

  /** Retries without the parameters that the service does not know. Each attempt removes some, so there are few. */
  async #send(request: ImageRequest, signal: AbortSignal): Promise<Response> {
    const unknown = this.#unknownParameters[request.images.length === 0 ? "generate" : "edit"];
    for (;;) {
      const parameters = buildParameters(request, unknown);
      try {
        return await this.#sendOnce(request, parameters, signal);
      } catch (error) {
        const rejection = readServiceError(error);
        const named = rejection === undefined ? [] : findUnknownParameters(rejection, Object.keys(parameters));
        if (named.length === 0) throw error;
        for (const name of named) unknown.add(name);
        // Neither parameter has a meaning without the other.
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

/** Requests base64: a URL may be readable only for the service, or blocked for this server. */
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

/** An error in a stream has no status. If its type blames the request, it counts as a rejected request. */
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
    const received = { ...read, ...describe(parsed.data, read.base64) };
    if (parsed.data.type.endsWith(".completed")) image = received;
    else onPartial(received);
  }
  return image;
}

/** The type of the bytes overrides the service's description. */
function describe(answer: unknown, base64: string): Omit<GeneratedImage, "base64"> {
  const description = describedSchema.safeParse(answer).data ?? {};
  return {
    background: description.background ?? undefined,
    outputFormat: detectBase64ImageType(base64)?.slice("image/".length) ?? description.output_format ?? undefined,
    quality: description.quality ?? undefined,
    size: description.size ?? undefined,
  };
}

async function toUpload({ bytes, mediaType }: ImageRequest["images"][number]) {
  return await toFile(bytes, `image.${mediaType.slice("image/".length)}`, { type: mediaType });
}

/** A response whose body fails above the limit. */
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
