/** Generates images with the AI SDK. It cannot stream, so there are no partial images. */
import { APICallError, type ImageModelV4 } from "@ai-sdk/provider";
import { z } from "zod";
import {
  type GeneratedImage,
  type GenerateOptions,
  ImageError,
  type ImageModel,
  type ImageRequest,
} from "./image-model.ts";
import { checkImageSize } from "./image-size.ts";
import { toImageError, toTimeoutError } from "./image-service-error.ts";

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

  async generate(request: ImageRequest, { signal }: GenerateOptions): Promise<GeneratedImage> {
    const { model, secrets, timeoutMs } = this.#settings;
    if (request.mask !== undefined)
      throw new ImageError("mask_unsupported", "The image service does not accept masks.");
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const { images, providerMetadata } = await model.doGenerate({
        prompt: request.prompt,
        n: 1,
        size: undefined,
        aspectRatio: computeAspectRatio(request.settings.size),
        seed: undefined,
        files: request.images.length === 0 ? undefined : request.images.map(toFilePart),
        mask: undefined,
        providerOptions: {},
        abortSignal: AbortSignal.any([signal, limit]),
      });
      const [image] = images;
      if (image === undefined) throw explainMissingImage(providerMetadata);
      return { base64: checkImageSize(typeof image === "string" ? image : Buffer.from(image).toString("base64")) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImageError) throw error;
      throw toTimeoutError(limit, timeoutMs) ?? toImageError(readServiceError(error), secrets, error);
    }
  }
}

/** Google gives a reason for a missing image. */
const reasonSchema = z.record(
  z.string(),
  z.looseObject({
    finishReason: z.string().nullish(),
    promptFeedback: z.looseObject({ blockReason: z.string().nullish() }).nullish(),
  }),
);
const BLOCKED_REASONS = /SAFETY|PROHIBITED|BLOCK|RECITATION|SPII/;

function explainMissingImage(metadata: unknown): ImageError {
  const [reasons] = Object.values(reasonSchema.safeParse(metadata).data ?? {});
  const reason = reasons?.promptFeedback?.blockReason ?? reasons?.finishReason;
  if (reason == null || reason === "STOP")
    return new ImageError("server_error", "The image service returned no image.");
  const code = BLOCKED_REASONS.test(reason) ? "moderation_blocked" : "server_error";
  return new ImageError(code, `The image service generated no image: ${reason}.`);
}

function readServiceError(error: unknown) {
  if (!APICallError.isInstance(error)) return undefined;
  return { status: error.statusCode, code: undefined, message: error.message };
}

/** Google's models accept aspect ratios instead of sizes. */
function computeAspectRatio(size: string | undefined): `${number}:${number}` | undefined {
  const [width = 0, height = 0] = size === undefined || !WIDTH_AND_HEIGHT.test(size) ? [] : size.split("x").map(Number);
  if (width === 0 || height === 0) return undefined;
  const divisor = greatestCommonDivisor(width, height);
  return `${width / divisor}:${height / divisor}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function toFilePart({ bytes, mediaType }: ImageRequest["images"][number]) {
  return { type: "file" as const, mediaType, data: bytes };
}
