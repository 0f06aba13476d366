/**
 * Image generation as this server runs it, by the image model that the operator configured. The model has one function;
 * it is told that the image was shown, and never gets the image itself.
 */
import { z } from "zod";
import type { Config } from "../../../src/config/config.ts";
import { imageGenerationCallSchema } from "../../../src/protocol/items/hosted.ts";
import type { FunctionTool, Tool } from "../../../src/protocol/tool.ts";
import type { ToolResult } from "../../../src/store/tool-journal.ts";
import { FetchPolicy } from "../../net/fetch-policy.ts";
import { GuardedFetch } from "../../net/guarded-fetch.ts";
import type { RunOptions, ServerFunction, ToolKind, ToolSession } from "../tool.ts";
import { toolError } from "../tool-calls.ts";
import { base64ImageType } from "../image-type.ts";
import { conversationImages, loadImage } from "./conversation-images.ts";
import {
  type GeneratedImage,
  ImageFault,
  type ImageModel,
  type ImageOrder,
  type ImageSettings,
} from "./image-model.ts";
import { openImageModel } from "./open-image-model.ts";
import { type ImageDetails, partialDetails, showImageCall } from "./show-image-call.ts";

type ImageTool = Extract<Tool, { type: "image_generation" }>;

const argumentsSchema = z.object({ prompt: z.string().min(1), change: z.boolean().default(false) });

export function imageGeneration(config: Config): ToolKind {
  const fetch = new GuardedFetch({ policy: new FetchPolicy(config.FETCH_ALLOWED_HOSTS) });
  const model = config.IMAGE_MODEL === undefined ? undefined : openImageModel(config.IMAGE_MODEL, config, fetch);
  return {
    types: ["image_generation"],
    open: (tool, session) => {
      // A request that needs it was refused; the simulator's may name it and leave it unused.
      const functions = model === undefined ? [] : [imageFunction(model, fetch, tool as ImageTool, session)];
      return Promise.resolve({ functions, [Symbol.asyncDispose]: () => Promise.resolve() });
    },
    [Symbol.asyncDispose]: () => fetch[Symbol.asyncDispose](),
  };
}

function imageFunction(model: ImageModel, fetch: GuardedFetch, tool: ImageTool, session: ToolSession): ServerFunction {
  const action = tool.action ?? "auto";
  const make = async (json: string, { signal, progress }: RunOptions): Promise<ToolResult> => {
    const parsed = argumentsSchema.safeParse(JSON.parse(json));
    if (!parsed.success) return toolError("'prompt' must be a text that describes the image.");
    const isEdit = action === "edit" || (action === "auto" && parsed.data.change);
    const urls = isEdit ? conversationImages(session.context) : [];
    if (isEdit && urls.length === 0) throw new ImageFault("no_image", "The conversation has no image to change.");
    const mask = isEdit ? tool.input_image_mask?.image_url : undefined;
    const order: ImageOrder = {
      prompt: parsed.data.prompt,
      images: await Promise.all(urls.map((url) => loadImage(url, fetch, signal))),
      mask: mask === undefined ? undefined : await loadImage(mask, fetch, signal),
      settings: settingsOf(tool),
      partialImages: tool.partial_images ?? 0,
    };
    const image = await model.generate(order, { signal, onPartial: (partial) => progress(partialDetails(partial)) });
    return { output: shownAs(image), isError: false, details: detailsOf(image, order, isEdit, tool) };
  };

  return {
    definition: definitionFor(action),
    isReadOnly: false,
    isSequential: true,
    itemType: "image_generation_call",
    show: showImageCall,
    run: async (call, options) => {
      try {
        return await make(call.arguments, options);
      } catch (error) {
        if (!(error instanceof ImageFault)) throw error;
        session.logger.warn({ err: error }, "An image was not made");
        const shown = { code: error.code, message: error.message, param: null, type: "image_generation_error" };
        return { output: error.message, isError: true, details: { error: shown } satisfies ImageDetails };
      }
    },
  };
}

const SHOWN = "The image was made and shown to the user. Do not repeat it or link to it.";

/** What is left to the service is not sent: many know only some of these. */
function settingsOf(tool: ImageTool): ImageSettings {
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

/** As the bytes and the service say that the image was made; where they say nothing, as it was asked for. */
function detailsOf(
  image: GeneratedImage,
  { prompt, settings }: ImageOrder,
  isEdit: boolean,
  tool: ImageTool,
): ImageDetails {
  const { background, output_format, quality } = imageGenerationCallSchema.shape;
  const known = <T>(schema: z.ZodType<T>, value: unknown): T | undefined => schema.safeParse(value).data;
  const asked = (name: "background" | "quality" | "size") => (image.leftOut?.includes(name) ? undefined : tool[name]);
  const format = base64ImageType(image.base64)?.slice("image/".length);
  return {
    result: image.base64,
    action: isEdit ? "edit" : "generate",
    background: known(background, image.background) ?? known(background, asked("background")) ?? "auto",
    output_format: known(output_format, format ?? image.outputFormat) ?? settings.output_format ?? "png",
    quality: known(quality, image.quality) ?? known(quality, asked("quality")) ?? "auto",
    revised_prompt: image.revisedPrompt ?? prompt,
    size: image.size ?? asked("size") ?? "auto",
  };
}

/** What the model is told of an image that was made. */
function shownAs({ leftOut = [] }: GeneratedImage): string {
  if (leftOut.length === 0) return SHOWN;
  return `${SHOWN} The image service does not know these settings, and made the image without them: ${leftOut.join(", ")}.`;
}

function definitionFor(action: NonNullable<ImageTool["action"]>): FunctionTool {
  const prompt = { type: "string", description: "What the image shows, in every detail that matters." };
  const change = {
    type: "boolean",
    description: "true to change or combine the images of this conversation, false for a new image.",
  };
  const verb = action === "edit" ? "Changes the images of this conversation as" : "Makes an image that is";
  return {
    type: "function",
    name: "generate_image",
    description: `${verb} described by the prompt, and shows it to the user.`,
    parameters: {
      type: "object",
      properties: { prompt, ...(action === "auto" && { change }) },
      required: ["prompt"],
      additionalProperties: false,
    },
  };
}
