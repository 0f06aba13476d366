/**
 * Measures a request in tokens: texts are counted, everything else has a fixed or estimated cost. The framing follows
 * OpenAI's harmony format; docs/conversations.md lists the estimates.
 */
import type { CreateRequest } from "../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";

/** One item of a model's context. */
export type ContextItem = InputItem | OutputItem;

export interface ContextMeasure {
  texts: readonly string[];
  tokens: number;
}

/** The parts of a request, other than items, that the model sees. */
export type ContextSettings = Pick<CreateRequest, "instructions" | "tools" | "text">;

/** `<|start|>`, role, `<|message|>`, `<|end|>`. */
const MESSAGE_OVERHEAD = 4;
/** A call also states its recipient, its channel and the format of its arguments. */
const CALL_OVERHEAD = MESSAGE_OVERHEAD + 4;
/** `<|start|>assistant` opens the answer. */
const ANSWER_OVERHEAD = 2;

const IMAGE = { low: 85, full: 765 } as const;
/** Estimate for a file that only its provider can read. */
const UNREADABLE_FILE_TOKENS = 1_000;
/** Base64 characters per token. Text files hold about four bytes per token; documents are mostly layout and images. */
const TEXT_FILE_RATIO = 5.3;
const DOCUMENT_RATIO = 85;
/** Encrypted content is base64 text that only its author can read. */
const OPAQUE_RATIO = 6;

export function measureItem(item: ContextItem): ContextMeasure {
  switch (item.type) {
    case "message":
      return measureContent(item.content, MESSAGE_OVERHEAD);
    case "function_call":
      return { texts: [item.name, item.arguments], tokens: CALL_OVERHEAD };
    case "custom_tool_call":
      return { texts: [item.name, item.input], tokens: CALL_OVERHEAD };
    case "function_call_output":
    case "custom_tool_call_output":
      return measureContent(item.output, CALL_OVERHEAD);
    case "reasoning":
      return measureReasoning(item);
    case "compaction":
      return { texts: [], tokens: MESSAGE_OVERHEAD + estimateOpaqueTokens(item.encrypted_content) };
    case "computer_call_output":
      return { texts: [], tokens: CALL_OVERHEAD + IMAGE.full };
    case "image_generation_call":
      return { texts: [], tokens: CALL_OVERHEAD + IMAGE.full };
    case "item_reference":
    case "compaction_trigger":
      return { texts: [], tokens: 0 };
    default:
      return { texts: [jsonOf(item)], tokens: CALL_OVERHEAD };
  }
}

export function measureSettings({ instructions, tools, text }: ContextSettings): ContextMeasure {
  const format = text?.format?.type === "json_schema" ? [JSON.stringify(text.format.schema)] : [];
  const stated = instructions ? [instructions] : [];
  const texts = [...stated, ...(tools ?? []).map(jsonOf), ...format];
  return { texts, tokens: ANSWER_OVERHEAD + MESSAGE_OVERHEAD * texts.length };
}

type Part = { type: string; text?: string; refusal?: string; detail?: string | null | undefined; file_data?: unknown };

function measureContent(content: string | readonly Part[], frame: number): ContextMeasure {
  if (typeof content === "string") return { texts: [content], tokens: frame };
  const texts: string[] = [];
  let tokens = frame;
  for (const part of content) {
    if (part.type === "input_image") tokens += part.detail === "low" ? IMAGE.low : IMAGE.full;
    else if (part.type === "input_file") tokens += fileTokens(part.file_data);
    else texts.push(part.text ?? part.refusal ?? "");
  }
  return { texts, tokens };
}

function fileTokens(data: unknown): number {
  if (typeof data !== "string") return UNREADABLE_FILE_TOKENS;
  const isText = /^data:(text\/|application\/(json|xml|yaml))/.test(data);
  return Math.ceil(data.length / (isText ? TEXT_FILE_RATIO : DOCUMENT_RATIO));
}

/** The model's own text where available, else its provider's encrypted form, else its summary. */
function measureReasoning(item: Extract<ContextItem, { type: "reasoning" }>): ContextMeasure {
  const content = item.content ?? [];
  if (content.length === 0 && item.encrypted_content) {
    return { texts: [], tokens: MESSAGE_OVERHEAD + estimateOpaqueTokens(item.encrypted_content) };
  }
  return measureContent(content.length > 0 ? content : item.summary, MESSAGE_OVERHEAD);
}

function estimateOpaqueTokens(text: string): number {
  return Math.ceil(text.length / OPAQUE_RATIO);
}

const UNSHOWN_FIELDS = new Set(["id", "status", "created_by", "caller", "call_id"]);

/** JSON without the fields that models never see. */
function jsonOf(value: object): string {
  const shown = Object.entries(value).filter(([name, field]) => field != null && !UNSHOWN_FIELDS.has(name));
  return JSON.stringify(Object.fromEntries(shown));
}
