/**
 * Image generation by this server, with the image model that the operator configured. The model has one function. Its
 * result says that the user saw the image, and never contains the image itself.
 */
import { z } from "zod";
import type { Config } from "../../../src/config/config.ts";
import { imageGenerationCallSchema } from "../../../src/protocol/items/hosted.ts";
import type { FunctionTool, Tool } from "../../../src/protocol/tool.ts";
import type { ToolResult } from "../../../src/store/run-journals.ts";
import { FetchPolicy } from "../../net/fetch-policy.ts";
import { GuardedFetch } from "../../net/guarded-fetch.ts";
import {
  createOpenTool,
  createToolError,
  type ServerFunction,
  type ToolDefinition,
  type ToolKind,
  type ToolRunOptions,
  type ToolSession,
} from "../tool.ts";
import { detectBase64ImageType } from "../image-type.ts";
import { collectConversationImages, loadImage } from "./conversation-images.ts";
import {
  type GeneratedImage,
  ImageError,
  type ImageModel,
  type ImageRequest,
  type ImageSettings,
} from "./image-model.ts";
import { IMAGE_FUNCTION, imageGenerationItems } from "./image-generation-items.ts";
import { openImageModel } from "./open-image-model.ts";
import { type ImageDetails, toPartialDetails, presentImageCall } from "./image-call-presenter.ts";

type ImageTool = Extract<Tool, { type: "image_generation" }>;

const argumentsSchema = z.object({ prompt: z.string().min(1), change: z.boolean().default(false) });

export const imageGeneration: ToolDefinition = { items: imageGenerationItems, openKind: openImageGenerationKind };

export function openImageGenerationKind(config: Config): ToolKind {
  const fetch = new GuardedFetch({ policy: new FetchPolicy(config.FETCH_ALLOWED_HOSTS) });
  const model = config.IMAGE_MODEL === undefined ? undefined : openImageModel(config.IMAGE_MODEL, config, fetch);
  return {
    types: ["image_generation"],
    open: (tool, session) => {
      // Validation rejects a request that needs an image model. The simulator may leave the tool unused.
      const functions = model === undefined ? [] : [createImageFunction(model, fetch, tool as ImageTool, session)];
      return Promise.resolve(createOpenTool(functions));
    },
    [Symbol.asyncDispose]: () => fetch[Symbol.asyncDispose](),
  };
}

function createImageFunction(
  model: ImageModel,
  fetch: GuardedFetch,
  tool: ImageTool,
  session: ToolSession,
): ServerFunction {
  const action = tool.action ?? "auto";
  const generate = async (json: string, { signal, reportProgress }: ToolRunOptions): Promise<ToolResult> => {
    const parsed = argumentsSchema.safeParse(JSON.parse(json));
    if (!parsed.success) return createToolError("'prompt' must be a non-empty string.");
    const isEdit = action === "edit" || (action === "auto" && parsed.data.change);
    const urls = isEdit ? collectConversationImages(session.context) : [];
    if (isEdit && urls.length === 0) throw new ImageError("no_image", "The conversation has no image to change.");
    const mask = isEdit ? tool.input_image_mask?.image_url : undefined;
    const request: ImageRequest = {
      prompt: parsed.data.prompt,
      images: await Promise.all(urls.map((url) => loadImage(url, fetch, signal))),
      mask: mask === undefined ? undefined : await loadImage(mask, fetch, signal),
      settings: readSettings(tool),
      partialImages: tool.partial_images ?? 0,
    };
    const image = await model.generate(request, {
      signal,
      onPartial: (partial) => reportProgress(toPartialDetails(partial)),
    });
    return { output: describeForModel(image), isError: false, details: buildDetails(image, request, isEdit, tool) };
  };

  return {
    definition: defineFunction(action),
    isReadOnly: false,
    isSequential: true,
    itemType: "image_generation_call",
    presentCall: presentImageCall,
    run: async (call, options) => {
      try {
        return await generate(call.arguments, options);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        session.logger.warn({ err: error }, "An image could not be generated");
        const shownError = { code: error.code, message: error.message, param: null, type: "image_generation_error" };
        return { output: error.message, isError: true, details: { error: shownError } satisfies ImageDetails };
      }
    },
  };
}

const SHOWN_NOTE = "The image was generated and shown to the user. Do not repeat it or link to it.";

/** Omits settings that the service should choose: many services know only some of these. */
function readSettings(tool: ImageTool): ImageSettings {
  const { background, input_fidelity, moderation, output_compression, output_format, quality, size } = tool;
  const format = output_format === "gif" || output_format === "svg" ? undefined : output_format;
  return {
    ...(background !== undefined && background !== "auto" && { background }),
    ...(input_fidelity != null && { input_fidelity }),
    ...(moderation !== undefined && moderation !== "auto" && { moderation }),
    ...(output_compression !== undefined && { output_compression }),
    ...(format !== undefined && { output_format: format }),
    ...(quality !== undefined && quality !== "auto" && { quality }),
    ...(size !== undefined && size !== "auto" && { size }),
  };
}

/** Prefers the facts that the bytes and the service give about the image. The requested settings fill the gaps. */
function buildDetails(
  image: GeneratedImage,
  { prompt, settings }: ImageRequest,
  isEdit: boolean,
  tool: ImageTool,
): ImageDetails {
  const { background, output_format, quality } = imageGenerationCallSchema.shape;
  const validate = <T>(schema: z.ZodType<T>, value: unknown): T | undefined => schema.safeParse(value).data;
  const requested = (name: "background" | "quality" | "size") =>
    image.ignoredSettings?.includes(name) ? undefined : tool[name];
  const format = detectBase64ImageType(image.base64)?.slice("image/".length);
  return {
    result: image.base64,
    action: isEdit ? "edit" : "generate",
    background: validate(background, image.background) ?? validate(background, requested("background")) ?? "auto",
    output_format: validate(output_format, format ?? image.outputFormat) ?? settings.output_format ?? "png",
    quality: validate(quality, image.quality) ?? validate(quality, requested("quality")) ?? "auto",
    revised_prompt: image.revisedPrompt ?? prompt,
    size: image.size ?? requested("size") ?? "auto",
  };
}

function describeForModel({ ignoredSettings = [] }: GeneratedImage): string {
  if (ignoredSettings.length === 0) return SHOWN_NOTE;
  return `${SHOWN_NOTE} The image service ignored these unknown settings: ${ignoredSettings.join(", ")}.`;
}

function defineFunction(action: NonNullable<ImageTool["action"]>): FunctionTool {
  const prompt = { type: "string", description: "A detailed description of the image." };
  const change = {
    type: "boolean",
    description: "true to change or combine the images of this conversation, false to generate a new image.",
  };
  const verb = action === "edit" ? "Changes the images of this conversation as" : "Generates an image";
  return {
    type: "function",
    name: IMAGE_FUNCTION,
    description: `${verb} described by the prompt, and shows it to the user.`,
    parameters: {
      type: "object",
      properties: { prompt, ...(action === "auto" && { change }) },
      required: ["prompt"],
      additionalProperties: false,
    },
  };
}
