/**
 * Services of the OpenAI images API, by the official SDK, which streams unfinished images where the AI SDK does not. The
 * answer is read by what it is, a stream or JSON: many servers of this protocol do not stream and say nothing of it.
 */
import OpenAI, { APIConnectionError, APIError, toFile } from "openai";
import { Stream } from "openai/core/streaming";
import { z } from "zod";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import {
  type GeneratedImage,
  type GenerateOptions,
  ImageFault,
  type ImageModel,
  type ImageOrder,
} from "./image-model.ts";
import { checkSize, IMAGE_MAXIMUM_BYTES } from "./image-size.ts";
import { serviceFault, timeoutFault } from "./service-fault.ts";

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
const ANSWER_MAXIMUM_BYTES = 64 * 1024 * 1024;
const HTTP_BAD_REQUEST = 400;
/** They answer in base64 only, and refuse to be asked for it. */
const BASE64_MODELS = /^(chatgpt|gpt)-image/;

const described = {
  background: z.string().nullish(),
  output_format: z.string().nullish(),
  quality: z.string().nullish(),
  size: z.string().nullish(),
};
const answerSchema = z.object({
  data: z
    .array(
      z.object({ b64_json: z.string().nullish(), url: z.string().nullish(), revised_prompt: z.string().nullish() }),
    )
    .min(1),
  ...described,
});
const eventSchema = z.object({
  type: z.string().regex(/^image_(generation|edit)\.(partial_image|completed)$/),
  b64_json: z.string(),
  ...described,
});

export class OpenAiImages implements ImageModel {
  readonly #settings: OpenAiImagesSettings;
  readonly #client: OpenAI;

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
    });
  }

  async generate(order: ImageOrder, { signal, onPartial }: GenerateOptions): Promise<GeneratedImage> {
    const limit = AbortSignal.timeout(this.#settings.timeoutMs);
    const within = AbortSignal.any([signal, limit]);
    try {
      const response = bounded(await this.#send(order, within));
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
      const image = isStream ? await readStream(response, onPartial) : await this.#readAnswer(response, within);
      // A stream of the SDK that was aborted ends as if it had been read to its end.
      within.throwIfAborted();
      if (image === undefined) throw new ImageFault("server_error", "The image service sent no image.");
      return image;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImageFault) throw error;
      const { key, headers, timeoutMs } = this.#settings;
      const secrets = [key ?? "", ...Object.values(headers)];
      throw timeoutFault(limit, timeoutMs) ?? serviceFault(answerOf(error), secrets, error);
    }
  }

  async #send(order: ImageOrder, signal: AbortSignal): Promise<Response> {
    if (order.partialImages === 0) return await this.#sendOnce(order, signal);
    try {
      return await this.#sendOnce(order, signal);
    } catch (error) {
      const isAboutStreaming =
        error instanceof APIError &&
        error.status === HTTP_BAD_REQUEST &&
        /\b(stream|partial_images)\b/.test(`${error.param ?? ""} ${error.message}`);
      if (!isAboutStreaming) throw error;
      return await this.#sendOnce({ ...order, partialImages: 0 }, signal);
    }
  }

  async #sendOnce({ prompt, images, mask, settings, partialImages }: ImageOrder, signal: AbortSignal) {
    const { model } = this.#settings;
    const { input_fidelity, moderation, ...common } = settings;
    const body = {
      model,
      prompt,
      ...common,
      ...(BASE64_MODELS.test(model) ? {} : { response_format: "b64_json" as const }),
      ...(partialImages > 0 && { stream: true as const, partial_images: partialImages }),
    };
    if (images.length === 0) {
      return await this.#client.images
        .generate({ ...body, ...(moderation && { moderation }) }, { signal })
        .asResponse();
    }
    const files = await Promise.all([...images, ...(mask === undefined ? [] : [mask])].map(asFile));
    const image = files.slice(0, images.length);
    const more = { ...(mask && { mask: files.at(-1)! }), ...(input_fidelity && { input_fidelity }) };
    return await this.#client.images.edit({ ...body, image, ...more }, { signal }).asResponse();
  }

  async #readAnswer(response: Response, signal: AbortSignal): Promise<GeneratedImage> {
    const answer = answerSchema.parse(await response.json());
    const [{ b64_json, url, revised_prompt }] = answer.data as [(typeof answer.data)[number]];
    const base64 = b64_json ?? (await this.#fetchImage(url, signal));
    return { base64: checkSize(base64), ...describe(answer), revisedPrompt: revised_prompt ?? undefined };
  }

  async #fetchImage(url: string | null | undefined, signal: AbortSignal): Promise<string> {
    if (url == null) throw new ImageFault("server_error", "The image service sent no image.");
    const { timeoutMs, fetch } = this.#settings;
    const { status, body } = await fetch.read(url, { signal, maxBytes: IMAGE_MAXIMUM_BYTES, timeoutMs });
    if (status !== 200) throw new Error(`The image's URL answered ${status}.`);
    return Buffer.from(body).toString("base64");
  }
}

function answerOf(error: unknown) {
  return error instanceof APIError && !(error instanceof APIConnectionError) ? error : undefined;
}

async function readStream(response: Response, onPartial: GenerateOptions["onPartial"]) {
  let image: GeneratedImage | undefined;
  for await (const event of Stream.fromSSEResponse<unknown>(response, new AbortController())) {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success) continue;
    const { type, b64_json, ...rest } = parsed.data;
    const shown = { base64: checkSize(b64_json), ...describe(rest) };
    if (type.endsWith(".completed")) image = shown;
    else onPartial(shown);
  }
  return image;
}

function describe(from: z.infer<z.ZodObject<typeof described>>): Omit<GeneratedImage, "base64"> {
  return {
    background: from.background ?? undefined,
    outputFormat: from.output_format ?? undefined,
    quality: from.quality ?? undefined,
    size: from.size ?? undefined,
  };
}

async function asFile({ bytes, mediaType }: ImageOrder["images"][number]) {
  return await toFile(bytes, `image.${mediaType.slice("image/".length)}`, { type: mediaType });
}

/** The response, whose reading fails once it is longer than it may be. */
function bounded(response: Response): Response {
  let left = ANSWER_MAXIMUM_BYTES;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      left -= chunk.length;
      if (left >= 0) controller.enqueue(chunk);
      else controller.error(new ImageFault("image_too_large", "The image service's answer is too large."));
    },
  });
  return new Response(response.body?.pipeThrough(counted) ?? null, response);
}
