/**
 * Collects state that a chat completions server writes and must get back unchanged: OpenRouter's `reasoning_details` of a
 * message, and the `extra_content` of a call with Gemini's signature. The SDK omits them, or has them only at the end of
 * the stream, so they are read from the chunks.
 */
import type { JSONObject, SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { ProviderError } from "../http/provider-error.ts";
import { asArray, asString, isObject, type Json } from "../http/json.ts";

/** Limit for all state of one model call. Far more than any model writes. */
const MAX_CHARACTERS = 8_000_000;

interface SeenCall {
  name: string;
  index: unknown;
  id: string;
  extra?: JSONObject;
  /** Our call id, once the call is an item. */
  callId?: string;
  isReturned?: boolean;
}

export class ReturnedState {
  readonly #sdkName: string;
  readonly #fields: VendorTraits["state_returned"];
  #details: JSONObject[] = [];
  readonly #calls: SeenCall[] = [];
  /** State of calls whose name has not arrived yet. */
  readonly #unnamed = new Map<unknown, JSONObject>();
  #characters = 0;
  /** Reasoning text that appears only in details. */
  #reasoningText = "";

  /** `sdkName`: the SDK's key for metadata to write into a message. */
  constructor(sdkName: string, fields: VendorTraits["state_returned"]) {
    this.#sdkName = sdkName;
    this.#fields = fields;
  }

  /** Reads a chunk, before the SDK's parts of it arrive. */
  read(rawValue: unknown): void {
    const choice = isObject(rawValue) ? asArray(rawValue["choices"])[0] : undefined;
    const delta = isObject(choice) && isObject(choice["delta"]) ? choice["delta"] : undefined;
    if (delta === undefined) return;
    if (this.#fields.includes("reasoning_details")) {
      const hasReasoning = Boolean(delta["reasoning"] || delta["reasoning_content"]);
      for (const detail of asArray(delta["reasoning_details"])) this.#readDetail(detail, hasReasoning);
    }
    if (this.#fields.includes("extra_content")) {
      for (const call of asArray(delta["tool_calls"])) if (isObject(call)) this.#readCall(call);
    }
  }

  /** The message's details since the last call of this method. */
  takeDetails(): SharedV4ProviderMetadata | undefined {
    const details = this.#details;
    this.#details = [];
    return details.length === 0 ? undefined : this.#metadata({ reasoning_details: details });
  }

  /** Reasoning text of details without a field of its own, since the last call of this method. */
  takeReasoningText(): string {
    const words = this.#reasoningText;
    this.#reasoningText = "";
    return words;
  }

  get hasDetails(): boolean {
    return this.#details.length > 0;
  }

  /** Assigns our call id to the first unassigned call of this tool. */
  takeCall(toolName: string, callId: string): void {
    const call = this.#calls.find((each) => each.callId === undefined && each.name === toolName);
    if (call !== undefined) call.callId = callId;
  }

  /** The state of the call that `takeCall` will take next. */
  peekCall(toolName: string): SharedV4ProviderMetadata | undefined {
    const call = this.#calls.find((each) => each.callId === undefined && each.name === toolName);
    if (call?.extra === undefined) return undefined;
    call.isReturned = true;
    return this.#metadata({ extra_content: call.extra });
  }

  /** State that arrived after its calls were taken, by our call ids. */
  takeLateCalls(): Record<string, SharedV4ProviderMetadata> | undefined {
    const late = this.#calls.filter((call) => call.extra !== undefined && call.isReturned !== true && call.callId);
    for (const call of late) call.isReturned = true;
    if (late.length === 0) return undefined;
    return Object.fromEntries(late.map((call) => [call.callId!, this.#metadata({ extra_content: call.extra! })]));
  }

  #readDetail(detail: unknown, hasReasoning: boolean): void {
    if (!isJsonObject(detail)) return;
    if (!hasReasoning) this.#reasoningText += asString(detail["text"]) ?? asString(detail["summary"]) ?? "";
    this.#countCharacters(detail);
    addDetail(this.#details, detail);
  }

  #readCall(wire: Json): void {
    const { index } = wire;
    const id = asString(wire["id"]) ?? "";
    const named = isObject(wire["function"]) ? asString(wire["function"]["name"])?.trim() : undefined;
    const extra = isJsonObject(wire["extra_content"]) ? wire["extra_content"] : undefined;
    if (extra !== undefined) this.#countCharacters(extra);
    const existing = index == null ? undefined : this.#calls.findLast((call) => call.index === index);
    const isKnown = existing !== undefined && (id === "" || id === existing.id || !named);
    if (isKnown) {
      if (extra !== undefined) existing.extra ??= extra;
      return;
    }
    if (!named) {
      if (extra !== undefined && index != null) this.#unnamed.set(index, extra);
      return;
    }
    const early = this.#unnamed.get(index);
    this.#unnamed.delete(index);
    const carried = extra ?? early;
    this.#calls.push({ name: named, index, id, ...(carried !== undefined && { extra: carried }) });
  }

  #metadata(fields: JSONObject): SharedV4ProviderMetadata {
    return { [this.#sdkName]: fields };
  }

  #countCharacters(value: object): void {
    this.#characters += JSON.stringify(value).length;
    if (this.#characters <= MAX_CHARACTERS) return;
    const message = `The provider sent more than ${MAX_CHARACTERS} characters of reasoning state.`;
    throw new ProviderError(responseError("server_error", message), { retryable: false });
  }
}

/** Chunks are parsed JSON, so each object is a JSON object. */
export function isJsonObject(value: unknown): value is JSONObject {
  return isObject(value);
}

/** Fields that grow from chunk to chunk. */
const GROWING_FIELDS: ReadonlySet<string> = new Set(["text", "summary"]);

/**
 * A detail arrives in pieces: pieces of the same type and index are one detail, and its signature comes last. The signature
 * does not match separate pieces (https://github.com/agno-agi/agno/pull/8861). Encrypted details arrive whole.
 */
export function addDetail(details: JSONObject[], next: JSONObject): void {
  const last = details.findLast((each) => each["type"] === next["type"] && each["index"] === next["index"]);
  if (last === undefined || !isSameDetail(last, next, details.at(-1) === last)) {
    details.push({ ...next });
    return;
  }
  for (const [name, value] of Object.entries(next)) {
    if (value == null) continue;
    const before = last[name];
    const grows = GROWING_FIELDS.has(name) && typeof before === "string" && typeof value === "string";
    last[name] = grows ? before + value : value;
  }
}

function isSameDetail(last: JSONObject, next: JSONObject, isLast: boolean): boolean {
  if (last["type"] !== "reasoning.text" && last["type"] !== "reasoning.summary") return false;
  if (last["id"] != null && next["id"] != null && last["id"] !== next["id"]) return false;
  if (next["index"] != null) return true;
  // Without an index, a signature ends a block.
  return isLast && (last["signature"] == null || next["text"] == null);
}
