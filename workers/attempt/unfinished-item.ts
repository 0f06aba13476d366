/**
 * A message or reasoning item that an earlier attempt left open in the log. It records the text that clients have seen, so
 * that the next attempt adds only the rest.
 */
import type { OutputContent } from "../../src/protocol/content.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { readItemEvents } from "../../src/stream/log/read-item-events.ts";
import type { Attempt } from "./attempt.ts";
import type { ResponseState } from "../../src/lifecycle/apply-event.ts";

export type PartType = OutputContent["type"] | "summary_text";

export interface LoggedPart {
  type: PartType;
  text: string;
  /** Whether a `….done` event gave its whole text. */
  isFinished: boolean;
  isDone: boolean;
  annotations: number;
}

/** The index of the item that a new attempt may continue: the response's last item, and its only open one. */
export function findUnfinishedIndex({ response, openIndices }: ResponseState): number | undefined {
  const last = response.output.length - 1;
  const item: OutputItem | undefined = response.output[last];
  const isText = item?.type === "message" || item?.type === "reasoning";
  return isText && openIndices.size === 1 && openIndices.has(last) ? last : undefined;
}

/** Undefined if no item can be continued. */
export async function readUnfinishedItem(
  { fullLogReader }: Pick<Storage, "fullLogReader">,
  attempt: Attempt,
): Promise<UnfinishedItem | undefined> {
  const { writer, id, control } = attempt;
  const index = findUnfinishedIndex(writer.state);
  if (index === undefined) return undefined;
  await writer.flush();
  const events = await retryUntilAvailable(() => readItemEvents(fullLogReader, id, index), control.writing);
  return new UnfinishedItem(index, writer.state.response.output[index]!, events);
}

export class UnfinishedItem {
  /** Its index in the response's output. */
  readonly index: number;
  /** The item as the log has it. */
  readonly item: OutputItem;
  readonly #parts = new Map<string, LoggedPart>();

  /** `events` are the item's events in the log. */
  constructor(index: number, item: OutputItem, events: readonly ItemEventDraft[]) {
    this.index = index;
    this.item = item;
    for (const event of events) this.#note(event);
  }

  partAt(key: string): LoggedPart | undefined {
    return this.#parts.get(key);
  }

  get parts(): ReadonlyMap<string, LoggedPart> {
    return this.#parts;
  }

  #note(event: ItemEventDraft): void {
    const key = toPartKey(event);
    if (key === undefined) return;
    const started = startedPartType(event);
    if (started !== undefined) {
      this.#parts.set(key, { type: started, text: "", isFinished: false, isDone: false, annotations: 0 });
      return;
    }
    const part = this.#parts.get(key);
    if (part === undefined) return;
    const text = readEventText(event);
    if (event.type === "response.output_text.annotation.added") part.annotations += 1;
    else if (text?.isWhole === true) Object.assign(part, { text: text.text, isFinished: true });
    else if (text !== undefined) part.text += text.text;
    else part.isDone = true;
  }
}

/** The key of the part that the event belongs to. Undefined for an event of the whole item. */
export function toPartKey(event: ItemEventDraft): string | undefined {
  if ("summary_index" in event) return `summary ${event.summary_index}`;
  return "content_index" in event ? `content ${event.content_index}` : undefined;
}

/** The type of the part that the event starts. Undefined for other events. */
export function startedPartType(event: ItemEventDraft): PartType | undefined {
  const isStart =
    event.type === "response.content_part.added" || event.type === "response.reasoning_summary_part.added";
  return isStart ? event.part.type : undefined;
}

/** The text of the event: a piece, or the whole. */
export function readEventText(event: ItemEventDraft): { text: string; isWhole: boolean } | undefined {
  switch (event.type) {
    case "response.output_text.delta":
    case "response.refusal.delta":
    case "response.reasoning_text.delta":
    case "response.reasoning_summary_text.delta":
      return { text: event.delta, isWhole: false };
    case "response.output_text.done":
    case "response.reasoning_text.done":
    case "response.reasoning_summary_text.done":
      return { text: event.text, isWhole: true };
    case "response.refusal.done":
      return { text: event.refusal, isWhole: true };
    default:
      return undefined;
  }
}
