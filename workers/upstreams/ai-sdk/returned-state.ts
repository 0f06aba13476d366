/**
 * What a server of chat completions writes beside its texts and calls and must be given back unchanged: OpenRouter's
 * `reasoning_details` of a message, and the `extra_content` of a call, which holds Gemini's signature. The SDK leaves them
 * out, or has them only when the stream is over, so that they are read from the chunks.
 */
import type { JSONObject, SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { ProviderError } from "../provider/provider-error.ts";
import { asArray, asString, isObject, type Json } from "../provider/json.ts";

/** Of all that is kept for one call of the model. Far more than any model writes. */
const MAX_CHARACTERS = 8_000_000;

interface SeenCall {
  name: string;
  index: unknown;
  id: string;
  extra?: JSONObject;
  /** Ours, once the call is an item. */
  callId?: string;
  isReturned?: boolean;
}

export class ReturnedState {
  readonly #sdkName: string;
  readonly #fields: VendorTraits["state_returned"];
  #details: JSONObject[] = [];
  readonly #calls: SeenCall[] = [];
  /** Of calls whose name has not come yet. */
  readonly #unnamed = new Map<unknown, JSONObject>();
  #characters = 0;
  /** Words that are in a detail alone. */
  #reasoningText = "";

  /** `sdkName`: under which the SDK looks for what it is to write into a message. */
  constructor(sdkName: string, fields: VendorTraits["state_returned"]) {
    this.#sdkName = sdkName;
    this.#fields = fields;
  }

  /** A chunk comes before the parts that the SDK makes of it. */
  read(rawValue: unknown): void {
    const choice = isObject(rawValue) ? asArray(rawValue["choices"])[0] : undefined;
    const delta = isObject(choice) && isObject(choice["delta"]) ? choice["delta"] : undefined;
    if (delta === undefined) return;
    if (this.#fields.includes("reasoning_details")) {
      const isSaid = Boolean(delta["reasoning"] || delta["reasoning_content"]);
      for (const detail of asArray(delta["reasoning_details"])) this.#readDetail(detail, isSaid);
    }
    if (this.#fields.includes("extra_content")) {
      for (const call of asArray(delta["tool_calls"])) if (isObject(call)) this.#readCall(call);
    }
  }

  /** Of the message, what has come since it was last taken. */
  takeDetails(): SharedV4ProviderMetadata | undefined {
    const details = this.#details;
    this.#details = [];
    return details.length === 0 ? undefined : this.#metadata({ reasoning_details: details });
  }

  /** Words of details that the vendor has not said in a field of their own, since they were last taken. */
  takeReasoningText(): string {
    const words = this.#reasoningText;
    this.#reasoningText = "";
    return words;
  }

  get hasDetails(): boolean {
    return this.#details.length > 0;
  }

  /** What came with the first call of this tool that was not asked for yet. */
  takeCall(toolName: string, callId: string): void {
    const call = this.#calls.find((each) => each.callId === undefined && each.name === toolName);
    if (call !== undefined) call.callId = callId;
  }

  /** Of the call that is to be taken next. */
  peekCall(toolName: string): SharedV4ProviderMetadata | undefined {
    const call = this.#calls.find((each) => each.callId === undefined && each.name === toolName);
    if (call?.extra === undefined) return undefined;
    call.isReturned = true;
    return this.#metadata({ extra_content: call.extra });
  }

  /** Of calls that were taken before it came, by our ids. */
  takeLateCalls(): Record<string, SharedV4ProviderMetadata> | undefined {
    const late = this.#calls.filter((call) => call.extra !== undefined && call.isReturned !== true && call.callId);
    for (const call of late) call.isReturned = true;
    if (late.length === 0) return undefined;
    return Object.fromEntries(late.map((call) => [call.callId!, this.#metadata({ extra_content: call.extra! })]));
  }

  #readDetail(detail: unknown, isSaid: boolean): void {
    if (!isJsonObject(detail)) return;
    if (!isSaid) this.#reasoningText += asString(detail["text"]) ?? asString(detail["summary"]) ?? "";
    this.#countCharacters(detail);
    addDetail(this.#details, detail);
  }

  #readCall(wire: Json): void {
    const { index } = wire;
    const id = asString(wire["id"]) ?? "";
    const named = isObject(wire["function"]) ? asString(wire["function"]["name"])?.trim() : undefined;
    const extra = isJsonObject(wire["extra_content"]) ? wire["extra_content"] : undefined;
    if (extra !== undefined) this.#countCharacters(extra);
    const known = index == null ? undefined : this.#calls.findLast((call) => call.index === index);
    const isKnown = known !== undefined && (id === "" || id === known.id || !named);
    if (isKnown) {
      if (extra !== undefined) known.extra ??= extra;
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
    const message = `The provider wrote more than ${MAX_CHARACTERS} characters beside its reasoning.`;
    throw new ProviderError(responseError("server_error", message), { retryable: false });
  }
}

/** An object of a chunk, which was JSON. */
export function isJsonObject(value: unknown): value is JSONObject {
  return isObject(value);
}

/** Fields that grow from chunk to chunk. */
const GROWING_FIELDS: ReadonlySet<string> = new Set(["text", "summary"]);

/**
 * A detail comes in pieces: those of the same type and index are one, whose signature comes last. Sent back in pieces, the
 * signature does not fit (https://github.com/agno-agi/agno/pull/8861). What is encrypted comes whole.
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
  // Without an index, a signature is the end of a block.
  return isLast && (last["signature"] == null || next["text"] == null);
}
