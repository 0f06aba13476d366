/**
 * `include`: output that a response records, and a listing shows, only on request (openai 7.59 `ResponseIncludable`).
 * Without it:
 *
 *   file_search_call.results               `results` is null
 *   web_search_call.results                `results`, which the published type lacks, is omitted
 *   web_search_call.action.sources         `action.sources` is omitted
 *   code_interpreter_call.outputs          `outputs` is null
 *   message.output_text.logprobs           `logprobs` is empty; `top_logprobs` only sets their number
 *   message.input_image.image_url          listings omit `image_url`
 *   computer_call_output.output.image_url  the same
 *   reasoning.encrypted_content            listings omit it; a response always has it, as published ("populated by
 *                                          default"), because a conversation needs it to continue
 */
import type { z } from "zod";
import type { ItemEventDraft } from "../protocol/event.ts";
import type { assistantContentSchema, OutputContent } from "../protocol/content.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { includableSchema } from "../protocol/request-options.ts";
import type { Tool } from "../protocol/tool.ts";
import { redactUrl } from "./redact-url.ts";

type Includable = z.infer<typeof includableSchema>;
export type Included = ReadonlySet<Includable>;

export function toIncluded(include: readonly Includable[] | null | undefined): Included {
  return new Set(include);
}

/** The event as recorded: the same object if nothing is left out. */
export function toRecordedEvent(event: ItemEventDraft, included: Included): ItemEventDraft {
  switch (event.type) {
    case "response.output_text.delta":
    case "response.output_text.done":
      return included.has(LOGPROBS) || isEmpty(event.logprobs) ? event : { ...event, logprobs: [] };
    case "response.content_part.added":
    case "response.content_part.done": {
      const part = recordedPart(event.part, included);
      return part === event.part ? event : { ...event, part };
    }
    case "response.output_item.added":
    case "response.output_item.done": {
      const item = recordedItem(event.item, included);
      return item === event.item ? event : { ...event, item };
    }
    default:
      return event;
  }
}

/** An item as a listing shows it: the same object if nothing is left out. */
export function toListedItem<T extends Item>(item: T, included: Included): T {
  const recorded = recordedItem(item, included);
  // The type marks every omitted field as optional, so the item keeps its type.
  return listedFields(recorded, included) as T;
}

type Item = InputItem | OutputItem;
type Part = OutputContent | z.infer<typeof assistantContentSchema>;

const LOGPROBS = "message.output_text.logprobs";

function recordedItem<T extends Item>(item: T, included: Included): T {
  return recordedFields(item, included) as T;
}

function recordedFields(item: Item, included: Included): Item {
  switch (item.type) {
    case "message":
      return withParts(item, (part) => recordedPart(part, included));
    case "file_search_call":
      return included.has("file_search_call.results") || item.results === null ? item : { ...item, results: null };
    case "web_search_call":
      return recordedSearch(item, included);
    case "code_interpreter_call":
      return included.has("code_interpreter_call.outputs") || hasNoOutputsYet(item) ? item : { ...item, outputs: null };
    default:
      return item;
  }
}

function listedFields(item: Item, included: Included): Item {
  switch (item.type) {
    case "message": {
      if (included.has("message.input_image.image_url")) return item;
      return withParts(item, (part) => (part.type === "input_image" ? without(part, "image_url") : part));
    }
    case "computer_call_output": {
      if (included.has("computer_call_output.output.image_url")) return item;
      const output = without(item.output, "image_url");
      return output === item.output ? item : { ...item, output };
    }
    case "additional_tools":
    case "tool_search_output":
      return { ...item, tools: (item.tools as Tool[]).map(listedTool) } as Item;
    case "reasoning":
      return included.has("reasoning.encrypted_content") ? item : without(item, "encrypted_content");
    default:
      return item;
  }
}

/** The URL is stored sealed (src/responses/content/item-urls.ts). */
function listedTool(tool: Tool): Tool {
  return tool.type === "mcp" && tool.server_url !== undefined
    ? { ...tool, server_url: redactUrl(tool.server_url) }
    : tool;
}

function recordedPart<P extends Part>(part: P, included: Included): P {
  if (part.type !== "output_text" || included.has(LOGPROBS) || isEmpty(part.logprobs)) return part;
  return { ...part, logprobs: [] };
}

/** The item is added with an empty list, which means nothing yet (contract.md#item-events). */
function hasNoOutputsYet({ outputs, status }: ItemOf<"code_interpreter_call">): boolean {
  return outputs === null || (isEmpty(outputs) && status === "in_progress");
}

function recordedSearch(item: Extract<Item, { type: "web_search_call" }>, included: Included): Item {
  const shown = included.has("web_search_call.results") ? item : without(item, "results");
  const { action } = shown;
  if (action?.type !== "search" || included.has("web_search_call.action.sources")) return shown;
  const searched = without(action, "sources");
  return searched === action ? shown : { ...shown, action: searched };
}

type ItemOf<T extends OutputItem["type"]> = Extract<OutputItem, { type: T }>;

/** A message whose content is a string has no parts. */
function withParts(item: Extract<Item, { type: "message" }>, change: (part: Part) => Part): Item {
  if (typeof item.content === "string") return item;
  const before: readonly Part[] = item.content;
  const content = before.map(change);
  return content.every((part, i) => part === before[i]) ? item : ({ ...item, content } as Item);
}

function without<T extends object>(value: T, name: string): T {
  if (!Object.hasOwn(value, name)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)) as T;
}

function isEmpty(list: readonly unknown[] | null | undefined): boolean {
  return list == null || list.length === 0;
}
