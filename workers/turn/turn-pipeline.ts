/**
 * The path of a turn's events from the upstream to the log:
 *
 *     upstream event
 *       → citations            adds annotations for links to pages that tools have read (citations/citations.ts)
 *       → grammar check        with STRICT_EVENTS, rejects an illegal order (src/lifecycle/event-grammar/item-grammar.ts)
 *       → event filter         drops what was not requested, and seals reasoning (event-filter.ts)
 *       → item continuation    drops what the log already has of an unfinished item (item-continuation.ts)
 *       → blank-message filter holds back a message without text (blank-message-filter.ts)
 *       → client call buffer   holds back a client's call until it is complete (client-call-buffer.ts)
 *       → output router        gives items their positions, and holds the server's calls for later (output-router.ts)
 *       → writer               appends to the log
 */
import { ItemGrammar } from "../../src/lifecycle/event-grammar/item-grammar.ts";
import type { CreateRequest } from "../../src/protocol/create-request.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { UnfinishedItem } from "../attempt/unfinished-item.ts";
import type { ServerFunction } from "../tools/tool.ts";
import type { HiddenReasoning, UpstreamFinish } from "../upstreams/upstream.ts";
import { BlankMessageFilter } from "./blank-message-filter.ts";
import { ClientCallBuffer, type EventGroup } from "./client-call-buffer.ts";
import type { CitablePages } from "./citations/citable-pages.ts";
import { type CitationAnnotator, createCitationAnnotator } from "./citations/citations.ts";
import { EventFilter, type ReasoningTexts } from "./event-filter.ts";
import { ItemContinuation } from "./item-continuation.ts";
import { findServerFunction, type OutputRouter } from "./output-router.ts";

export interface TurnPipelineOptions {
  request: Pick<CreateRequest, "include">;
  citablePages: CitablePages;
  isStrict: boolean;
  /** Encrypts reasoning for the response's project. */
  seal: (thoughts: ReasoningTexts) => string;
  /** The item that an earlier attempt left open at the end of the log. */
  unfinished?: UnfinishedItem | undefined;
  /** Closes that item as incomplete, because the model has written something else. */
  discardUnfinished: () => Promise<void>;
  /** Records the client's calls as the model writes them. */
  streamsCalls: boolean;
  /** The server's functions, by name. */
  functions: ReadonlyMap<string, ServerFunction>;
  router: OutputRouter;
}

export class TurnPipeline {
  readonly #attempt: Attempt;
  readonly #citations: CitationAnnotator | undefined;
  readonly #grammar: ItemGrammar | undefined;
  readonly #filter: EventFilter;
  readonly #unfinished: UnfinishedItem | undefined;
  readonly #discardUnfinished: () => Promise<void>;
  #continuation: ItemContinuation | undefined;
  readonly #blankFilter = new BlankMessageFilter();
  readonly #callBuffer: ClientCallBuffer;
  readonly #router: OutputRouter;

  constructor(attempt: Attempt, options: TurnPipelineOptions) {
    const { citablePages, functions, router, streamsCalls, unfinished } = options;
    this.#attempt = attempt;
    this.#citations = createCitationAnnotator(citablePages);
    this.#grammar = options.isStrict ? new ItemGrammar() : undefined;
    this.#filter = new EventFilter(options.request, options.seal);
    this.#unfinished = unfinished;
    this.#discardUnfinished = options.discardUnfinished;
    this.#continuation = unfinished && new ItemContinuation(unfinished);
    this.#callBuffer = new ClientCallBuffer({
      streamsCalls,
      isServerCall: (item) => findServerFunction(item, functions) !== undefined,
    });
    this.#router = router;
  }

  /** Resolves when the writer has room for more. Rejects with IllegalEventError if the order of events is illegal. */
  async accept(event: ItemEventDraft | HiddenReasoning): Promise<void> {
    for (const cited of this.#addCitations(event)) {
      this.#attempt.control.generating.throwIfAborted();
      if (cited.type !== "hidden_reasoning") this.#grammar?.accept(cited);
      const recorded = this.#filter.filter(cited);
      if (recorded === undefined) continue;
      for (const continued of await this.#continueItem(recorded)) {
        for (const passed of this.#blankFilter.accept(continued)) await this.#buffer(passed);
      }
    }
  }

  /** Throws IllegalEventError if a turn ends with open items. An item that a failure leaves open is closed with the response. */
  checkFinish(finish: UpstreamFinish): void {
    if (finish.status !== "failed") this.#grammar?.checkAllDone(finish);
  }

  /** Whether the turn's last message has no text. The log does not show it. */
  get endsBlank(): boolean {
    return this.#blankFilter.isHolding;
  }

  /** Writes the blank message after all: it is the model's answer. */
  async writeBlank(): Promise<void> {
    for (const event of this.#blankFilter.takeHeld()) await this.#buffer(event);
  }

  #addCitations(event: ItemEventDraft | HiddenReasoning): readonly (ItemEventDraft | HiddenReasoning)[] {
    if (this.#citations === undefined || event.type === "hidden_reasoning") return [event];
    return this.#citations.accept(event);
  }

  async #continueItem(event: ItemEventDraft): Promise<ItemEventDraft[]> {
    if (this.#continuation === undefined || this.#unfinished === undefined) return [event];
    const continued = this.#continuation.accept(event);
    switch (continued.kind) {
      case "comparing":
        return [];
      case "resumed":
        this.#router.resumeItem(continued.output_index, this.#unfinished);
        return continued.events;
      case "differs":
        this.#continuation = undefined;
        await this.#discardUnfinished();
        return continued.events;
    }
  }

  async #buffer(event: ItemEventDraft): Promise<void> {
    for (const group of this.#callBuffer.accept(event)) await this.#write(group);
  }

  async #write({ events, isAtomic }: EventGroup): Promise<void> {
    const { writer } = this.#attempt;
    if (isAtomic) {
      // Nothing is written between these calls, so the router gives all events of the item the same index.
      const routed = events.flatMap((event) => this.#router.route(event));
      if (routed.length > 0) await writer.writeAtomically(routed);
      return;
    }
    for (const event of events) await writer.writeAll(this.#router.route(event));
  }
}
