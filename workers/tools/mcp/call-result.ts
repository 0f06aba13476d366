/** What an MCP tool answered, as the model is shown it and as the item shows it: text where it can be, images where they can. */
import { z } from "zod";
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/sdk/types.js";
import { mcpCallSchema } from "../../../src/protocol/items/mcp.ts";
import type { ToolResult } from "../../tool.ts";
import type { McpFault } from "./faults.ts";
import type { Redact } from "../../../src/redaction.ts";

/** Characters of text in one answer; of images, characters of base64. */
const TEXT_MAXIMUM = 256 * 1024;
const IMAGES_MAXIMUM = 8 * 1024 * 1024;
const BLOCKS_MAXIMUM = 100;
const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);

/** What an `mcp_call` shows of its end. */
const endSchema = z.object({
  output: z.string().nullable(),
  error: mcpCallSchema.shape.error.unwrap().unwrap().nullable(),
});
export type CallEnd = z.infer<typeof endSchema>;

type Part = Exclude<ToolResult["output"], string>[number];

/** A block of an answer: text, or an image that a model can be shown. */
type Shown = { text: string } | { image: string; text: string };

export function answeredResult({ content, structuredContent, isError }: CallToolResult, redact: Redact): ToolResult {
  const blocks: ContentBlock[] =
    content.length === 0 && structuredContent !== undefined
      ? [{ type: "text", text: JSON.stringify(structuredContent) }]
      : content;
  const shown = bounded(
    blocks.filter((block) => !isEmptyImage(block)).map((block) => redacted(showBlock(block), redact)),
  );
  const text = shown.map((each) => each.text).join("\n");
  if (isError === true) {
    const error = { type: "mcp_tool_execution_error" as const, content: [{ type: "text", text }] };
    return { output: text === "" ? "The tool failed." : text, isError: true, details: { output: null, error } };
  }
  const hasImages = shown.some((each) => "image" in each);
  return { output: hasImages ? asParts(shown) : text, isError: false, details: { output: text, error: null } };
}

export function faultResult(fault: McpFault): ToolResult {
  const output = `The call could not be made, or was not answered: ${fault.message}`;
  return { output, isError: true, details: { output: null, error: fault } };
}

/** From a journal as well: what is not there, or not understood, is made of what the model was shown. */
export function endOf({ output, isError, details }: ToolResult): CallEnd {
  const known = endSchema.safeParse(details);
  if (known.success) return known.data;
  const text = typeof output === "string" ? output : JSON.stringify(output);
  if (!isError) return { output: text, error: null };
  return { output: null, error: { type: "mcp_tool_execution_error", content: [{ type: "text", text }] } };
}

function showBlock(block: ContentBlock): Shown {
  switch (block.type) {
    case "text":
      return { text: block.text };
    case "image":
      return showBytes("image", block.mimeType, block.data);
    case "audio":
      return showBytes("audio", block.mimeType, block.data);
    case "resource_link":
      return { text: `[link to ${described(block.name, block.uri, block.mimeType)}]${below(block.description)}` };
    case "resource": {
      const { resource } = block;
      const name = described("resource", resource.uri, resource.mimeType);
      if ("text" in resource) return { text: `[${name}]\n${resource.text}` };
      return showBytes(name, resource.mimeType ?? "", resource.blob);
    }
  }
}

/** There is nothing to see, and a provider would refuse the whole request. */
function isEmptyImage(block: ContentBlock): boolean {
  return block.type === "image" && block.data.trim() === "";
}

/** Not in the base64 of an image, where a short secret may stand by chance. */
function redacted<S extends Shown>(shown: S, redact: Redact): S {
  return { ...shown, text: redact(shown.text) };
}

function showBytes(name: string, mediaType: string, base64: string): Shown {
  if (IMAGE_TYPES.has(mediaType) && base64.trim() !== "")
    return { image: `data:${mediaType};base64,${base64}`, text: `[image: ${mediaType}]` };
  const bytes = Math.floor((base64.length * 3) / 4);
  return { text: `[${name}: ${mediaType || "binary"}, ${bytes} bytes, not shown]` };
}

function described(...words: (string | undefined)[]): string {
  return words.filter((word) => word !== undefined && word !== "").join(" ");
}

function below(text: string | undefined): string {
  return text === undefined ? "" : `\n${text}`;
}

/** What is beyond is cut off, and said to be. */
function bounded(blocks: readonly Shown[]): Shown[] {
  let text = TEXT_MAXIMUM;
  let images = IMAGES_MAXIMUM;
  const kept: Shown[] = [];
  for (const each of blocks) {
    if (kept.length === BLOCKS_MAXIMUM) {
      kept.push({ text: `[cut off: the answer has more than ${BLOCKS_MAXIMUM} parts]` });
      break;
    }
    const isTooLarge = "image" in each && each.image.length > images;
    const block = isTooLarge ? { text: `${each.text.slice(0, -1)}, too large to be shown]` } : each;
    // What stands for an image in the output is text as well, and so is what divides it from the part before.
    const length = block.text.length + (kept.length === 0 ? 0 : 1);
    if (length > text) {
      const cut = block.text.slice(0, text);
      kept.push({ text: `${cut}\n[cut off: the answer is longer than ${TEXT_MAXIMUM} characters]` });
      break;
    }
    text -= length;
    if ("image" in block) images -= block.image.length;
    kept.push(block);
  }
  return kept;
}

function asParts(blocks: readonly Shown[]): Part[] {
  return blocks.map((block) =>
    "image" in block
      ? { type: "input_image", image_url: block.image, detail: "auto" }
      : { type: "input_text", text: block.text },
  );
}
