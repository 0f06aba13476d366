/**
 * Converts the SDK's stream parts into item events. Parts may be interleaved; items are emitted one after the other
 * (contract.md#item-events).
 *
 * | part                                | result                                                             |
 * | ----------------------------------- | ------------------------------------------------------------------ |
 * | text-start, -delta, -end            | a message; consecutive texts are one, citations are `url_citation` |
 * | raw (chat completions only)         | marks text as a refusal, and carries its logprobs                  |
 * | source (url)                        | a `url_citation` of the whole message                              |
 * | reasoning-start, -delta, -end       | a reasoning item each, with the state to return to the vendor      |
 * | tool-input-start, -delta, tool-call | a function or custom tool call; the next item waits for its end    |
 * | file (image)                        | an image_generation_call                                           |
 * | error                               | a ProviderError                                                    |
 * | finish                              | finish.ts                                                          |
 * | all others: vendor-executed tools,  | nothing: none was requested                                        |
 * | documents, other files, pings       |                                                                    |
 *
 * An item is closed when the next one starts or at the end, when it is known whether it was cut off.
 */
import type { LanguageModelV4StreamPart, SharedV4ProviderMetadata } from "@ai-sdk/provider";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputPosition } from "../derive-item-id.ts";
import type { UpstreamCall } from "../upstream.ts";
import { ChatChunk } from "./chat-chunk.ts";
import { CallIdAllocator } from "./call-id-allocator.ts";
import { OpenCall, OpenImage } from "./open-call.ts";
import type { EndStatus, ItemEventSequence, OpenItem } from "./open-item.ts";
import { OpenMessage, type UrlSource } from "./open-message.ts";
import { OpenReasoning, type StateOrigin } from "./open-reasoning.ts";
import type { ReturnedState } from "./returned-state.ts";
import type { Toolbox } from "./convert-tools.ts";
import { HeldParts } from "./held-parts.ts";

type Part = LanguageModelV4StreamPart;
type PartOf<T extends Part["type"]> = Extract<Part, { type: T }>;

export class OutputEvents {
  readonly #call: UpstreamCall;
  readonly #toolbox: Toolbox;
  readonly #origin: StateOrigin;
  readonly #state: ReturnedState | undefined;
  readonly #chunk = new ChatChunk();
  readonly #callIds: CallIdAllocator;
  readonly #sources: UrlSource[] = [];
  #items = 0;
  #current: OpenItem | undefined;
  /** The reasoning block of the open item. */
  #reasoningBlock: string | undefined;
  /** The start of the current text block in its message. */
  #blockStart = 0;
  /** The vendor's id of the call that is being written. */
  #openCallId: string | undefined;
  readonly #waitingParts = new HeldParts();
  #hasRefused = false;

  /** `state`: present if the SDK omits state that must be returned to the vendor. */
  constructor(call: UpstreamCall, toolbox: Toolbox, origin: StateOrigin, state?: ReturnedState) {
    this.#call = call;
    this.#toolbox = toolbox;
    this.#origin = origin;
    this.#state = state;
    this.#callIds = new CallIdAllocator(call);
  }

  get isEmpty(): boolean {
    return this.#items === 0;
  }

  get hasRefused(): boolean {
    return this.#hasRefused;
  }

  *accept(part: Part): ItemEventSequence {
    if (part.type === "raw") yield* this.#readState(part.rawValue);
    if (this.#openCallId !== undefined && !this.#isOfOpenCall(part)) return this.#waitingParts.add(part);
    switch (part.type) {
      case "raw":
        return this.#chunk.read(part.rawValue);
      case "text-start":
        this.#blockStart = this.#current instanceof OpenMessage ? this.#current.textLength : 0;
        return;
      case "text-delta":
        return yield* this.#acceptText(part.delta);
      case "text-end":
        return yield* this.#acceptCitations(part);
      case "source":
        if (part.sourceType === "url") this.#sources.push({ url: part.url, title: part.title ?? "" });
        return;
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return yield* this.#acceptReasoning(part);
      case "tool-input-start":
      case "tool-input-delta":
      case "tool-call":
        return yield* this.#acceptCall(part);
      case "file":
        return yield* this.#acceptFile(part);
      default:
    }
  }

  /** Writes the prefix that the vendor was given to continue, whose logprobs are unknown. */
  *writeText(text: string): ItemEventSequence {
    const message = yield* this.#openMessage();
    yield* message.addText(text, []);
  }

  /** Closes the open items. `incomplete` means that the model was stopped in the last one. */
  *finish(status: EndStatus): ItemEventSequence {
    while (this.#openCallId !== undefined) {
      yield* this.#closeCurrent("incomplete");
      yield* this.#resumeAfterCall();
    }
    if (this.isEmpty && status === "completed") yield* this.#openMessage();
    yield* this.#closeCurrent(status);
    if (status === "completed") yield* this.#keepLateState();
  }

  /** A vendor may sign earlier calls at the end. */
  *#keepLateState(): ItemEventSequence {
    const calls = this.#state?.takeLateCalls();
    if (calls === undefined && this.#state?.hasDetails !== true) return;
    const reasoning = yield* this.#openReasoning();
    reasoning.setCallMetadata(calls);
    yield* this.#closeCurrent("completed");
  }

  // --- texts ---

  *#acceptText(delta: string): ItemEventSequence {
    if (delta === "") return;
    const message = yield* this.#openMessage();
    if (!this.#chunk.isRefusal(delta)) return yield* message.addText(delta, this.#chunk.takeLogprobs());
    this.#hasRefused = true;
    yield* message.addRefusal(delta);
  }

  *#acceptCitations({ citations = [] }: PartOf<"text-end">): ItemEventSequence {
    for (const { source, startIndex, endIndex } of citations) {
      if (source.sourceType !== "url") continue;
      const message = yield* this.#openMessage();
      const start = this.#blockStart + (startIndex ?? 0);
      const end = endIndex === undefined ? message.textLength : this.#blockStart + endIndex;
      yield* message.cite({ url: source.url, title: source.title ?? "" }, start, end);
    }
  }

  *#openMessage(): Generator<ItemEventDraft, OpenMessage> {
    if (this.#current instanceof OpenMessage) return this.#current;
    this.#blockStart = 0;
    return yield* this.#beginItem((position) => new OpenMessage(position));
  }

  // --- reasoning ---

  *#acceptReasoning(part: PartOf<"reasoning-start" | "reasoning-delta" | "reasoning-end">): ItemEventSequence {
    const delta = part.type === "reasoning-delta" ? part.delta : "";
    const isSame = this.#current instanceof OpenReasoning && this.#reasoningBlock === part.id;
    // A block without text or signature is dropped.
    if (!isSame && delta === "" && part.providerMetadata === undefined) return;
    const reasoning = isSame ? (this.#current as OpenReasoning) : yield* this.#openReasoning(part.id);
    reasoning.addMetadata(part.providerMetadata);
    if (delta !== "") yield* reasoning.addText(delta);
  }

  /** Some vendors put their reasoning only into the state. */
  *#readState(rawValue: unknown): ItemEventSequence {
    this.#state?.read(rawValue);
    const delta = this.#openCallId === undefined ? this.#state?.takeReasoningText() : undefined;
    if (delta) yield* this.#acceptReasoning({ type: "reasoning-delta", id: "details", delta });
  }

  *#openReasoning(block?: string): Generator<ItemEventDraft, OpenReasoning> {
    const isSummary = this.#call.request.reasoning?.summary != null;
    const reasoning = yield* this.#beginItem((position) => new OpenReasoning(position, this.#origin, isSummary));
    this.#reasoningBlock = block;
    return reasoning;
  }

  // --- calls ---

  *#acceptCall(part: PartOf<"tool-input-start" | "tool-input-delta" | "tool-call">): ItemEventSequence {
    if ("providerExecuted" in part && part.providerExecuted) return;
    const id = part.type === "tool-call" ? part.toolCallId : part.id;
    if (part.type !== "tool-input-delta" && this.#openCallId === undefined) {
      yield* this.#beginCall(id, part.toolName, part.providerMetadata);
    }
    const call = this.#current;
    if (!(call instanceof OpenCall) || this.#openCallId !== id) return;
    if (part.type === "tool-input-delta") yield* call.addArguments(part.delta);
    if (part.type !== "tool-call") return;
    yield* call.complete(part.input);
    yield* this.#resumeAfterCall();
  }

  *#beginCall(id: string, toolName: string, metadata: SharedV4ProviderMetadata | undefined): ItemEventSequence {
    const signature = this.#state === undefined ? metadata : this.#state.peekCall(toolName);
    if (signature !== undefined || this.#state?.hasDetails === true) {
      // A call cannot carry a signature, so the reasoning item before it does.
      const reasoning = this.#current instanceof OpenReasoning ? this.#current : yield* this.#openReasoning();
      if (signature !== undefined) reasoning.setNextCallMetadata(signature);
    }
    yield* this.#beginItem((position) => {
      const callId = this.#callIds.allocate(id, position);
      this.#state?.takeCall(toolName, callId);
      return new OpenCall(position, this.#toolbox.find(toolName), callId);
    });
    this.#openCallId = id;
  }

  #isOfOpenCall(part: Part): boolean {
    if (part.type === "tool-call") return part.toolCallId === this.#openCallId;
    return (part.type === "tool-input-delta" || part.type === "tool-input-end") && part.id === this.#openCallId;
  }

  /** The call is complete: accepts the parts that arrived during it. */
  *#resumeAfterCall(): ItemEventSequence {
    this.#openCallId = undefined;
    for (const part of this.#waitingParts.takeAll()) yield* this.accept(part);
  }

  // --- items ---

  *#acceptFile({ mediaType, data }: PartOf<"file">): ItemEventSequence {
    if (!mediaType.startsWith("image/") || data.type !== "data") return;
    yield* this.#beginItem((position) => new OpenImage(position, data.data));
  }

  *#beginItem<T extends OpenItem>(make: (position: OutputPosition) => T): Generator<ItemEventDraft, T> {
    yield* this.#closeCurrent("completed");
    const output_index = this.#items++;
    const { responseId, firstOutputIndex } = this.#call;
    const item = make({ output_index, responseId, absoluteIndex: firstOutputIndex + output_index });
    this.#current = item;
    yield* item.open();
    return item;
  }

  *#closeCurrent(status: EndStatus): ItemEventSequence {
    const item = this.#current;
    if (item instanceof OpenMessage) {
      for (const source of this.#sources.splice(0)) yield* item.cite(source, 0, item.textLength);
    }
    if (item instanceof OpenReasoning) item.addMetadata(this.#state?.takeDetails());
    this.#current = undefined;
    this.#reasoningBlock = undefined;
    if (item !== undefined) yield* item.close(status);
  }
}
