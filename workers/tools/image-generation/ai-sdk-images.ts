/** Services that the AI SDK has an image model for. It cannot stream: there are no unfinished images. */
import { APICallError, type ImageModelV4 } from "@ai-sdk/provider";
import { z } from "zod";
import {
  type GeneratedImage,
  type GenerateOptions,
  ImageFault,
  type ImageModel,
  type ImageOrder,
} from "./image-model.ts";
import { checkSize } from "./image-size.ts";
import { serviceFault, timeoutFault } from "./service-fault.ts";

const WIDTH_AND_HEIGHT = /^\d+x\d+$/;

export interface AiSdkImagesSettings {
  model: ImageModelV4;
  secrets: readonly string[];
  timeoutMs: number;
}

export class AiSdkImages implements ImageModel {
  readonly #settings: AiSdkImagesSettings;

  constructor(settings: AiSdkImagesSettings) {
    this.#settings = settings;
  }

  async generate(order: ImageOrder, { signal }: GenerateOptions): Promise<GeneratedImage> {
    const { model, secrets, timeoutMs } = this.#settings;
    if (order.mask !== undefined) throw new ImageFault("mask_unsupported", "The image service takes no masks.");
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const { images, providerMetadata } = await model.doGenerate({
        prompt: order.prompt,
        n: 1,
        size: undefined,
        aspectRatio: aspectRatioOf(order.settings.size),
        seed: undefined,
        files: order.images.length === 0 ? undefined : order.images.map(asFile),
        mask: undefined,
        providerOptions: {},
        abortSignal: AbortSignal.any([signal, limit]),
      });
      const [image] = images;
      if (image === undefined) throw refusalOf(providerMetadata);
      return { base64: checkSize(typeof image === "string" ? image : Buffer.from(image).toString("base64")) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImageFault) throw error;
      throw timeoutFault(limit, timeoutMs) ?? serviceFault(answerOf(error), secrets, error);
    }
  }
}

/** Google says in a word why it made none. */
const whySchema = z.record(
  z.string(),
  z.looseObject({
    finishReason: z.string().nullish(),
    promptFeedback: z.looseObject({ blockReason: z.string().nullish() }).nullish(),
  }),
);
const BLOCKED = /SAFETY|PROHIBITED|BLOCK|RECITATION|SPII/;

function refusalOf(metadata: unknown): ImageFault {
  const [said] = Object.values(whySchema.safeParse(metadata).data ?? {});
  const why = said?.promptFeedback?.blockReason ?? said?.finishReason;
  if (why == null || why === "STOP") return new ImageFault("server_error", "The image service sent no image.");
  const code = BLOCKED.test(why) ? "moderation_blocked" : "server_error";
  return new ImageFault(code, `The image service made no image: ${why}.`);
}

function answerOf(error: unknown) {
  if (!APICallError.isInstance(error)) return undefined;
  return { status: error.statusCode, code: undefined, message: error.message };
}

/** Google's models know shapes, and no sizes. */
function aspectRatioOf(size: string | undefined): `${number}:${number}` | undefined {
  const [width = 0, height = 0] = size === undefined || !WIDTH_AND_HEIGHT.test(size) ? [] : size.split("x").map(Number);
  if (width === 0 || height === 0) return undefined;
  const divisor = greatestCommonDivisor(width, height);
  return `${width / divisor}:${height / divisor}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function asFile({ bytes, mediaType }: ImageOrder["images"][number]) {
  return { type: "file" as const, mediaType, data: bytes };
}
