/** What an MCP tool answered, as the model is shown it and as the item shows it: text where it can be, images where they can. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { mcpCallSchema } from "../../../src/protocol/items/mcp.ts";
import type { ToolResult } from "../tool.ts";
import type { CallAnswer } from "./connection.ts";
import { stringifySafely, renderBlock, type RenderedBlock } from "./content-block.ts";
import type { McpCallError } from "./errors.ts";
import { isRecord } from "./is-record.ts";
import type { Redact } from "../../../src/logging/redaction.ts";

/** Characters of text in one answer; of images, characters of base64. */
const MAX_TEXT_CHARACTERS = 256 * 1024;
const MAX_IMAGE_CHARACTERS = 8 * 1024 * 1024;
const MAX_BLOCKS = 100;

/** What an `mcp_call` shows of its end. */
const endSchema = z.object({
  output: z.string().nullable(),
  error: mcpCallSchema.shape.error.unwrap().unwrap().nullable(),
});
export type CallEnd = z.infer<typeof endSchema>;

type Part = Exclude<ToolResult["output"], string>[number];

/** Of an answer in which there is nothing: some providers take no empty output. */
const NO_OUTPUT = "(no output)";

export function toToolResult(answer: CallAnswer, redact: Redact): ToolResult {
  const blocks = collectBlocks(answer);
  const shown = limitBlocks(
    blocks.flatMap((block) => {
      const each = renderBlock(block);
      return each === undefined ? [] : [redactText(each, redact)];
    }),
  );
  const text = shown.map((each) => each.text).join("\n");
  if (answer["isError"] === true) {
    const error = { type: "mcp_tool_execution_error" as const, content: [{ type: "text", text }] };
    return { output: text === "" ? "The tool failed." : text, isError: true, details: { output: null, error } };
  }
  const hasImages = shown.some((each) => "image" in each);
  const output = text === "" ? NO_OUTPUT : text;
  return { output: hasImages ? toParts(shown) : output, isError: false, details: { output: text, error: null } };
}

/**
 * The answer's content, and its structured content if that says more: a text may be the same JSON, as the protocol asks, or
 * only a summary of it (https://github.com/MoonshotAI/kimi-code/issues/2554). In the first revision the whole answer was
 * one JSON value, `toolResult` (https://github.com/cloudflare/mcp-server-cloudflare/issues/12).
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

/** Servers wrap what is no object in one, as `result`: a list then has a block for each of its values. */
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

/** Of a text that is JSON. */
function valueOf(block: unknown): unknown {
  if (!isRecord(block) || typeof block["text"] !== "string") return undefined;
  try {
    return JSON.parse(block["text"]) as unknown;
  } catch {
    return undefined;
  }
}

export function toErrorResult(fault: McpCallError): ToolResult {
  const output = `The call could not be made, or was not answered: ${fault.message}`;
  return { output, isError: true, details: { output: null, error: fault } };
}

/** From a journal as well: what is not there, or not understood, is made of what the model was shown. */
export function readCallEnd({ output, isError, details }: ToolResult): CallEnd {
  const known = endSchema.safeParse(details);
  if (known.success) return known.data;
  const text = typeof output === "string" ? output : JSON.stringify(output);
  if (!isError) return { output: text, error: null };
  return { output: null, error: { type: "mcp_tool_execution_error", content: [{ type: "text", text }] } };
}

/** Not in the base64 of an image, where a short secret may stand by chance. */
function redactText<S extends RenderedBlock>(shown: S, redact: Redact): S {
  return { ...shown, text: redact(shown.text) };
}

/** What is beyond is cut off, and said to be. */
function limitBlocks(blocks: readonly RenderedBlock[]): RenderedBlock[] {
  let text = MAX_TEXT_CHARACTERS;
  let images = MAX_IMAGE_CHARACTERS;
  const kept: RenderedBlock[] = [];
  for (const each of blocks) {
    if (kept.length === MAX_BLOCKS) {
      kept.push({ text: `[cut off: the answer has more than ${MAX_BLOCKS} parts]` });
      break;
    }
    const isTooLarge = "image" in each && each.image.length > images;
    const block = isTooLarge ? { text: `${each.text.slice(0, -1)}, too large to be shown]` } : each;
    // What stands for an image in the output is text as well, and so is what divides it from the part before.
    const length = block.text.length + (kept.length === 0 ? 0 : 1);
    if (length > text) {
      const cut = block.text.slice(0, text);
      kept.push({ text: `${cut}\n[cut off: the answer is longer than ${MAX_TEXT_CHARACTERS} characters]` });
      break;
    }
    text -= length;
    if ("image" in block) images -= block.image.length;
    kept.push(block);
  }
  return kept;
}

function toParts(blocks: readonly RenderedBlock[]): Part[] {
  return blocks.map((block) =>
    "image" in block
      ? { type: "input_image", image_url: block.image, detail: "auto" }
      : { type: "input_text", text: block.text },
  );
}
