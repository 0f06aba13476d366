/** Changes the images and files in items: in messages, in outputs of calls, and in screenshots. */
import type { z } from "zod";
import type { inputContentSchema } from "../../src/protocol/content.ts";
import type { ContextItem } from "../upstreams/upstream.ts";

export type InputPart = z.infer<typeof inputContentSchema>;
export type InputImage = Extract<InputPart, { type: "input_image" }>;
export type InputFile = Extract<InputPart, { type: "input_file" }>;
export type ChangePart = (part: InputImage | InputFile) => Promise<InputPart>;

/** An item without a changed part stays the same object. One part is changed at a time, in order. */
export async function mapFileParts<T extends ContextItem>(items: readonly T[], change: ChangePart): Promise<T[]> {
  const changed: T[] = [];
  for (const item of items) changed.push(await mapItem(item, change));
  return changed;
}

async function mapItem<T extends ContextItem>(item: T, change: ChangePart): Promise<T> {
  switch (item.type) {
    case "message":
      return await withParts(item, "content", item.content, change);
    case "function_call_output":
    case "custom_tool_call_output":
      return await withParts(item, "output", item.output, change);
    case "computer_call_output": {
      const { file_id, image_url } = item.output;
      if (file_id == null) return item;
      const part = await change({ type: "input_image", file_id, ...(image_url != null && { image_url }) });
      if (part.type !== "input_image" || part.image_url == null) return item;
      return { ...item, output: { type: item.output.type, image_url: part.image_url } };
    }
    default:
      return item;
  }
}

async function withParts<T extends ContextItem>(
  item: T,
  field: "content" | "output",
  parts: unknown,
  change: ChangePart,
): Promise<T> {
  if (!Array.isArray(parts) || !parts.some(isFilePart)) return item;
  const changed: unknown[] = [];
  for (const part of parts as unknown[]) changed.push(isFilePart(part) ? await change(part) : part);
  return { ...item, [field]: changed };
}

function isFilePart(part: unknown): part is InputImage | InputFile {
  if (typeof part !== "object" || part === null || !("type" in part)) return false;
  return part.type === "input_image" || part.type === "input_file";
}
