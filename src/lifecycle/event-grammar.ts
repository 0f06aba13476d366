/**
 * Checks that a log is legal: lifecycle (contract.md#lifecycle-events), items (contract.md#item-events, in
 * `event-grammar/`) and the invariants of official clients (contract.md#client-invariants). It judges events one by one
 * and keeps only the state that later events need.
 *
 * It is stricter than any client about things this server never does: `error` events, audio events, re-opened items. It
 * accepts the recoveries in use: the same item continues, or an interrupted item is done as `incomplete`, new items
 * follow at the next index, and the final output may omit the interrupted one. Items that clients act on are never
 * interrupted, and no other event comes between theirs (contract.md#crash-recovery).
 */
import { isDeepStrictEqual } from "node:util";
import type { EventDraft, LifecycleEventDraft, ResponseStreamEvent } from "../protocol/event.ts";
import { isTerminalStatus, type Response } from "../protocol/response.ts";
import { IllegalEventError } from "./apply-event.ts";
import { ItemGrammar } from "./event-grammar/item-grammar.ts";

type LifecycleType = LifecycleEventDraft["type"];

/** The stage of a log: its start, after the named lifecycle event, or its end. */
type LogStage = "start" | "created" | "queued" | "running" | "over";

/** The stages at which an event may come, and the statuses its response may have. */
const LIFECYCLE: Record<LifecycleType, { at: readonly LogStage[]; statuses: readonly Response["status"][] }> = {
  "response.created": { at: ["start"], statuses: ["queued", "in_progress"] },
  "response.queued": { at: ["created"], statuses: ["queued"] },
  "response.in_progress": { at: ["created", "queued"], statuses: ["in_progress"] },
  "response.completed": { at: ["running"], statuses: ["completed"] },
  "response.incomplete": { at: ["running"], statuses: ["incomplete"] },
  // Cancellation has no event of its own (contract.md#cancelling). A response that never started can fail too.
  "response.failed": { at: ["queued", "running"], statuses: ["failed", "cancelled"] },
};

export interface EventGrammarOptions {
  /** The log was written with STREAM_CALL_ARGUMENTS, so client calls may be cut off. */
  streamsCalls?: boolean;
}

export class EventGrammar {
  readonly #items: ItemGrammar;
  #stage: LogStage = "start";
  #opened: Response | undefined;
  #count = 0;

  constructor({ streamsCalls = false }: EventGrammarOptions = {}) {
    this.#items = new ItemGrammar({ callsAreWhole: !streamsCalls });
  }

  /** Throws IllegalEventError, which names the violated rule. */
  accept(event: EventDraft | ResponseStreamEvent): void {
    if ("sequence_number" in event && event.sequence_number !== this.#count) {
      throw new IllegalEventError(event, `sequence_number ${event.sequence_number} is not the next, ${this.#count}.`);
    }
    this.#count += 1;
    if (this.#stage === "over") throw new IllegalEventError(event, "nothing comes after the terminal event.");
    switch (event.type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        return this.#acceptLifecycle(event);
      case "error":
      case "response.audio.delta":
      case "response.audio.done":
      case "response.audio.transcript.delta":
      case "response.audio.transcript.done":
        throw new IllegalEventError(event, "is never sent: a failure is response.failed alone.");
      default:
        if (this.#stage !== "running") throw new IllegalEventError(event, "items come after response.in_progress.");
        this.#items.accept(event);
    }
  }

  /** Whether the terminal event has come. */
  get hasEnded(): boolean {
    return this.#stage === "over";
  }

  #acceptLifecycle(event: LifecycleEventDraft): void {
    const { at, statuses } = LIFECYCLE[event.type];
    const { response } = event;
    if (!at.includes(this.#stage)) throw new IllegalEventError(event, `does not come when the log is ${this.#stage}.`);
    if (!statuses.includes(response.status)) {
      throw new IllegalEventError(event, `does not carry a response that is ${response.status}.`);
    }
    this.#opened ??= response;
    this.#checkOpening(event, this.#opened);
    if (isTerminalStatus(response.status)) {
      this.#items.checkAllDone(event);
      this.#checkFinalOutput(event);
      this.#stage = "over";
      return;
    }
    if (response.output.length > 0 || response.usage !== null) {
      throw new IllegalEventError(event, "shows a response that has neither output nor usage yet.");
    }
    this.#stage = STAGE_AFTER[event.type] ?? this.#stage;
  }

  /** `response.queued` appears exactly if the response started as queued, and a response keeps its id. */
  #checkOpening(event: LifecycleEventDraft, opened: Response): void {
    if (event.response.id !== opened.id) {
      throw new IllegalEventError(event, `the response's id is ${opened.id}, not ${event.response.id}.`);
    }
    if (this.#stage !== "created") return;
    const expected = opened.status === "queued" ? "response.queued" : "response.in_progress";
    if (event.type !== expected) throw new IllegalEventError(event, `${expected} comes first.`);
  }

  /** The final output is every item as it was done; interrupted items may be absent. */
  #checkFinalOutput(event: LifecycleEventDraft): void {
    const left = [...event.response.output];
    for (const item of this.#items.done) {
      if (isDeepStrictEqual(left[0], item)) left.shift();
      else if (item.status !== "incomplete") {
        throw new IllegalEventError(event, `the item ${item.id} is not in the final output as it was done.`);
      }
    }
    if (left[0] !== undefined) {
      throw new IllegalEventError(event, `the final output's item ${left[0].id} was not done at this index.`);
    }
  }
}

const STAGE_AFTER: Partial<Record<LifecycleType, LogStage>> = {
  "response.created": "created",
  "response.queued": "queued",
  "response.in_progress": "running",
};
