/** Presents an image generation call in the log (contract.md#item-events). */
import { z } from "zod";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { imageGenerationCallSchema } from "../../../src/protocol/items/hosted.ts";
import type { ToolResult } from "../../../src/store/run-journals.ts";
import type { CallPosition, CallPresenter } from "../tool.ts";
import type { GeneratedImage } from "./image-model.ts";

type ImageCall = Extract<OutputItem, { type: "image_generation_call" }>;

/** The fields of a call that the journal stores for its item. */
const detailsSchema = imageGenerationCallSchema
  .pick({
    action: true,
    background: true,
    error: true,
    output_format: true,
    quality: true,
    revised_prompt: true,
    size: true,
  })
  .extend({ result: imageGenerationCallSchema.shape.result.exactOptional() });
export type ImageDetails = z.infer<typeof detailsSchema>;

const partialSchema = z.object({
  partial_image_b64: z.string(),
  background: z.string().exactOptional(),
  output_format: z.string().exactOptional(),
  quality: z.string().exactOptional(),
  size: z.string().exactOptional(),
});

export function toPartialDetails({ base64, background, outputFormat, quality, size }: GeneratedImage) {
  return {
    partial_image_b64: base64,
    ...(background !== undefined && { background }),
    ...(outputFormat !== undefined && { output_format: outputFormat }),
    ...(quality !== undefined && { quality }),
    ...(size !== undefined && { size }),
  } satisfies z.infer<typeof partialSchema>;
}

export function presentImageCall({ itemId, output_index }: CallPosition): CallPresenter {
  const at = { output_index, item_id: itemId };
  let partials = 0;
  const item = (status: ImageCall["status"], details: ImageDetails = {}): ImageCall => ({
    type: "image_generation_call",
    id: itemId,
    ...details,
    result: details.result ?? null,
    status,
  });
  return {
    open: () => [
      { type: "response.output_item.added", output_index, item: item("in_progress") },
      { type: "response.image_generation_call.in_progress", ...at },
    ],
    // The item shows the prompt only together with the image.
    delta: () => [],
    begin: () => [{ type: "response.image_generation_call.generating", ...at }],
    progress: (details): ItemEventDraft[] => {
      const parsed = partialSchema.safeParse(details);
      if (!parsed.success) return [];
      const partial_image_index = partials++;
      return [{ type: "response.image_generation_call.partial_image", ...at, partial_image_index, ...parsed.data }];
    },
    end: (result) => {
      const { details, isGenerated } = readDetails(result);
      const status = isGenerated ? "completed" : "failed";
      const done = { type: "response.output_item.done", output_index, item: item(status, details) } as const;
      // A failed call has no event of its own.
      return isGenerated ? [{ type: "response.image_generation_call.completed", ...at }, done] : [done];
    },
  };
}

/** The result may come from the journal, or belong to a call that never ran. */
function readDetails({ isError, output, details }: ToolResult): { details: ImageDetails; isGenerated: boolean } {
  const parsed = detailsSchema.safeParse(details);
  if (!isError && parsed.success && typeof parsed.data.result === "string") {
    return { details: parsed.data, isGenerated: true };
  }
  const journaled = parsed.success ? parsed.data : {};
  const message = typeof output === "string" ? output : "The image could not be generated.";
  const error = journaled.error ?? { code: "server_error", message, param: null, type: "image_generation_error" };
  return { details: { ...journaled, result: null, error }, isGenerated: false };
}
