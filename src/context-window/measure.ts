/**
 * What of a request costs tokens: texts, which are counted, and for everything else a number. The frames are those of
 * OpenAI's harmony format; what is no text is estimated (docs/conversations.md).
 */
import type { CreateRequest } from "../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";

/** One item of what a model is shown. */
export type ContextItem = InputItem | OutputItem;

export interface ContextMeasure {
  texts: readonly string[];
  tokens: number;
}

/** What a request shows the model besides its items. */
export type ContextSettings = Pick<CreateRequest, "instructions" | "tools" | "text">;

/** `<|start|>`, role, `<|message|>`, `<|end|>`. */
const MESSAGE_OVERHEAD = 4;
/** The recipient, the channel and the format of a call's arguments, besides. */
const CALL_OVERHEAD = MESSAGE_OVERHEAD + 4;
/** `<|start|>assistant`, with which the answer begins. */
const ANSWER_OVERHEAD = 2;

const IMAGE = { low: 85, full: 765 } as const;
/** A file that only its provider has. */
const UNREADABLE_FILE_TOKENS = 1_000;
/** Characters of base64 to one token: text files hold about four bytes to a token, documents mostly layout and pictures. */
const TEXT_FILE_RATIO = 5.3;
const DOCUMENT_RATIO = 85;
/** Encrypted content is base64 of a text that only its maker reads. */
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

/** The model's own words where they are there, or what its provider makes of them, or their summary. */
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

/** Without what no model reads. */
function jsonOf(value: object): string {
  const shown = Object.entries(value).filter(([name, field]) => field != null && !UNSHOWN_FIELDS.has(name));
  return JSON.stringify(Object.fromEntries(shown));
}
