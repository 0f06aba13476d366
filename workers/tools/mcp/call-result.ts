/** Converts an MCP tool's answer for the model and for the item: to text, and to images where a model can see them. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { mcpCallSchema } from "../../../src/protocol/items/mcp.ts";
import type { ToolResult } from "../tool.ts";
import type { CallAnswer } from "./connection.ts";
import { stringifySafely, renderBlock, type RenderedBlock } from "./content-block.ts";
import type { McpCallError } from "./errors.ts";
import { isRecord } from "./is-record.ts";
import type { Redact } from "../../../src/logging/redaction.ts";

/** Maximum characters of text in one answer, and of base64 in its images. */
const MAX_TEXT_CHARACTERS = 256 * 1024;
const MAX_IMAGE_CHARACTERS = 8 * 1024 * 1024;
const MAX_BLOCKS = 100;

/** The last fields of an `mcp_call`. */
const endSchema = z.object({
  output: z.string().nullable(),
  error: mcpCallSchema.shape.error.unwrap().unwrap().nullable(),
});
export type CallEnd = z.infer<typeof endSchema>;

type Part = Exclude<ToolResult["output"], string>[number];

/** Replaces an answer without content: some providers reject an empty output. */
const NO_OUTPUT = "(no output)";

export function toToolResult(answer: CallAnswer, redact: Redact): ToolResult {
  const blocks = collectBlocks(answer);
  // The base64 of an image is not redacted: it may contain a short secret by chance.
  const rendered = limitBlocks(
    blocks.flatMap((block) => {
      const each = renderBlock(block);
      return each === undefined ? [] : [{ ...each, text: redact(each.text) }];
    }),
  );
  const text = rendered.map((each) => each.text).join("\n");
  if (answer["isError"] === true) {
    const error = { type: "mcp_tool_execution_error" as const, content: [{ type: "text", text }] };
    return { output: text === "" ? "The tool failed." : text, isError: true, details: { output: null, error } };
  }
  const hasImages = rendered.some(({ kind }) => kind === "image");
  const output = text === "" ? NO_OUTPUT : text;
  return { output: hasImages ? toParts(rendered) : output, isError: false, details: { output: text, error: null } };
}

/**
 * The answer's content, and its structured content if that adds something. A text may be the same JSON, as the protocol
 * asks, or only a summary of it (https://github.com/MoonshotAI/kimi-code/issues/2554). In the protocol's first
 * revision, the whole answer was one JSON value, `toolResult`
 * (https://github.com/cloudflare/mcp-server-cloudflare/issues/12).
 */
function collectBlocks(answer: CallAnswer): unknown[] {
  const { toolResult } = answer;
  if (toolResult != null && answer["content"] === undefined) {
    return isRecord(toolResult) && "content" in toolResult ? collectBlocks(toolResult) : [textOf(toolResult)];
  }
  const content = answer["content"] ?? [];
  const blocks: unknown[] = Array.isArray(content) ? content : [content];
  const { structuredContent } = answer;
  if (structuredContent == null || isAlreadyIncluded(structuredContent, blocks)) return blocks;
  return [...blocks, textOf(structuredContent)];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : stringifySafely(value);
}

/** Servers wrap a value that is not an object as `result`. A list then has a block for each of its values. */
function isAlreadyIncluded(structured: unknown, blocks: readonly unknown[]): boolean {
  const values = blocks.map(valueOf);
  if (values.some((value) => isDeepStrictEqual(value, structured))) return true;
  if (!isRecord(structured) || Object.keys(structured).join() !== "result") return false;
  const { result } = structured;
  const texts = blocks.map((block) => (isRecord(block) ? block["text"] : undefined));
  return (
    texts.includes(result) ||
    values.some((value) => isDeepStrictEqual(value, result)) ||
    isDeepStrictEqual(values, result) ||
    isDeepStrictEqual(texts, result)
  );
}

/** The value of a text that is JSON. */
function valueOf(block: unknown): unknown {
  if (!isRecord(block) || typeof block["text"] !== "string") return undefined;
  try {
    return JSON.parse(block["text"]) as unknown;
  } catch {
    return undefined;
  }
}

export function toErrorResult(error: McpCallError): ToolResult {
  const output = `The call failed, or was not answered: ${error.message}`;
  return { output, isError: true, details: { output: null, error } };
}

/** The result may come from a journal. If its details are missing or unknown, the model's output replaces them. */
export function readCallEnd({ output, isError, details }: ToolResult): CallEnd {
  const parsed = endSchema.safeParse(details);
  if (parsed.success) return parsed.data;
  const text = typeof output === "string" ? output : JSON.stringify(output);
  if (!isError) return { output: text, error: null };
  return { output: null, error: { type: "mcp_tool_execution_error", content: [{ type: "text", text }] } };
}

/** Cuts blocks beyond the limits, and says so. */
function limitBlocks(blocks: readonly RenderedBlock[]): RenderedBlock[] {
  let text = MAX_TEXT_CHARACTERS;
  let images = MAX_IMAGE_CHARACTERS;
  const limited: RenderedBlock[] = [];
  for (const each of blocks) {
    if (limited.length === MAX_BLOCKS) {
      limited.push({ kind: "text", text: `[cut off: the answer has more than ${MAX_BLOCKS} parts]` });
      break;
    }
    const isTooLarge = each.kind === "image" && each.image.length > images;
    const block: RenderedBlock = isTooLarge
      ? { kind: "text", text: `${each.text.slice(0, -1)}, too large to show]` }
      : each;
    // An image's label counts as text, and so does the line break before a part.
    const length = block.text.length + (limited.length === 0 ? 0 : 1);
    if (length > text) {
      const cut = block.text.slice(0, text);
      limited.push({
        kind: "text",
        text: `${cut}\n[cut off: the answer is longer than ${MAX_TEXT_CHARACTERS} characters]`,
      });
      break;
    }
    text -= length;
    if (block.kind === "image") images -= block.image.length;
    limited.push(block);
  }
  return limited;
}

function toParts(blocks: readonly RenderedBlock[]): Part[] {
  return blocks.map((block) =>
    block.kind === "image"
      ? { type: "input_image", image_url: block.image, detail: "auto" }
      : { type: "input_text", text: block.text },
  );
}
