/**
 * Repairs chunks of a chat completion for the SDK. Servers that imitate the protocol differ, and the SDK rejects a chunk, or
 * the whole call, for harmless deviations:
 *   - `message` instead of `delta`, `function_call`, arguments as an object, content as a list, null in any field
 *   - calls without an index or id, or all with index 0; arguments that are repeated as a whole
 *   - no finish reason before `[DONE]`, or before the usage at the end
 */
import { newId } from "../../../src/protocol/id.ts";
import { asArray, asIndex, asString, isCompleteObject, isObject, type Json } from "../http/json.ts";
import { extractErrorText } from "../http/error-text.ts";
import { extractError } from "../http/error-in-body.ts";
import type { EventNormalizer } from "../http/answer-stream.ts";

interface ChatCall {
  index: number;
  /** The server's index. */
  statedIndex: number | undefined;
  id: string;
  name: string;
  json: string;
}

export class ChatChunkNormalizer implements EventNormalizer {
  readonly #calls: ChatCall[] = [];
  #hasFinished = false;
  #hasUsage = false;
  #hasContent = false;

  read(chunk: unknown): unknown {
    if (!isObject(chunk)) return undefined;
    const { error: statedError, usage, id, created, model, ...rest } = chunk;
    const error = extractError(chunk["object"] === "error" ? chunk : { error: statedError });
    // The form in which the SDK reads a provider's error.
    if (error !== undefined) return { error: { ...error, message: extractErrorText(error) ?? "" } };
    const choices = asArray(chunk["choices"]).filter(isObject);
    // The SDK judges values that are not chunks.
    if (!Array.isArray(chunk["choices"]) && usage == null) return "choices" in chunk ? undefined : chunk;
    const counted = isObject(usage) ? keepNumbers(usage) : undefined;
    this.#hasUsage ||= counted !== undefined;
    return {
      ...rest,
      ...(asString(id) !== undefined && { id }),
      ...(typeof created === "number" && { created }),
      ...(asString(model) !== undefined && { model }),
      choices: choices.map((choice) => this.#normalizeChoice(choice)),
      ...(counted !== undefined && { usage: counted }),
    };
  }

  end(isDone: boolean): unknown[] {
    const isOver = isDone || this.#hasUsage;
    if (this.#hasFinished || !this.#hasContent || !isOver) return [];
    const finish_reason = this.#calls.length > 0 ? "tool_calls" : "stop";
    return [{ choices: [{ index: 0, delta: {}, finish_reason }] }];
  }

  #normalizeChoice({ delta, message, text, finish_reason, ...rest }: Json): Json {
    const written = [delta, message].find(isObject) ?? (asString(text) === undefined ? {} : { content: text });
    const reason = asString(finish_reason) || undefined;
    this.#hasFinished ||= reason !== undefined;
    return {
      ...rest,
      delta: this.#normalizeDelta(written),
      finish_reason: reason === "function_call" ? "tool_calls" : (reason ?? null),
    };
  }

  #normalizeDelta({ content, tool_calls, function_call, reasoning, reasoning_content, ...rest }: Json): Json {
    delete rest["role"];
    const statedCalls = isObject(function_call) ? [{ index: 0, function: function_call }] : asArray(tool_calls);
    const calls = statedCalls.filter(isObject).map((call) => this.#normalizeCall(call));
    const repaired: Json = {
      ...rest,
      ...(calls.length > 0 && { tool_calls: calls }),
      ...optionalField("content", normalizeContent(content)),
      ...optionalField("reasoning", asString(reasoning)),
      ...optionalField("reasoning_content", asString(reasoning_content)),
    };
    this.#hasContent ||= Object.keys(repaired).length > 0;
    return repaired;
  }

  #normalizeCall({ index: statedIndex, id: rawId, function: fn, ...rest }: Json): Json {
    const { name: statedName, arguments: args, ...more }: Json = isObject(fn) ? fn : {};
    const name = asString(statedName) || asString(rest["name"]) || undefined;
    const statedId = asString(rawId) || undefined;
    const index = asIndex(statedIndex);
    const before = this.#findCall(index, statedId, name);
    const id = statedId ?? newId("call");
    const call = before ?? { index: this.#calls.length, statedIndex: index, id, name: name ?? "", json: "" };
    if (before === undefined) this.#calls.push(call);
    const json = toJsonText(args ?? rest["arguments"]);
    const isRepeated = json.startsWith("{") && isCompleteObject(call.json);
    if (!isRepeated) call.json += json;
    const isNamed = before === undefined || (call.name === "" && name !== undefined);
    call.name ||= name ?? "";
    return {
      ...rest,
      index: call.index,
      id: call.id,
      function: { ...more, ...(isNamed && name !== undefined && { name }), arguments: isRepeated ? "" : json },
    };
  }

  /**
   * The call that a piece belongs to. A name with a new id starts a call, regardless of its index. A name with a new
   * index does too, because some servers give all calls the same id.
   */
  #findCall(index: number | undefined, id: string | undefined, name: string | undefined): ChatCall | undefined {
    const withId = id === undefined ? [] : this.#calls.filter((call) => call.id === id);
    const byBoth =
      withId.find((call) => call.statedIndex === index) ?? (name === undefined ? withId.at(-1) : undefined);
    const byId = byBoth ?? withId.find((call) => index === undefined || call.statedIndex === undefined);
    if (byId !== undefined) return byId;
    const byIndex = index === undefined ? undefined : this.#calls.findLast((call) => call.index === index);
    if (name === undefined) return byIndex ?? this.#calls.at(-1);
    if (index === undefined) return undefined;
    const isAnother = byIndex !== undefined && id !== undefined && byIndex.name !== "";
    return isAnother ? undefined : byIndex;
  }
}

function optionalField(name: string, value: unknown): Json {
  return value === undefined ? {} : { [name]: value };
}

/** A text, or parts that the SDK reads. */
function normalizeContent(content: unknown): unknown {
  if (typeof content === "string") return content;
  const parts = asArray(isObject(content) ? [content] : content).flatMap((part): unknown[] => {
    if (typeof part === "string") return [{ type: "text", text: part }];
    if (!isObject(part)) return [];
    const text = asString(part["text"]);
    if (part["type"] !== "thinking" && text !== undefined) return [{ type: "text", text }];
    return typeof part["type"] === "string" ? [part] : [];
  });
  return parts.length === 0 ? undefined : parts;
}

function toJsonText(value: unknown): string {
  if (value == null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Keeps only numbers: some servers write null or text. */
function keepNumbers(usage: Json): Json {
  return Object.fromEntries(
    Object.entries(usage).flatMap(([name, value]): [string, unknown][] => {
      if (typeof value === "number") return [[name, value]];
      return isObject(value) ? [[name, keepNumbers(value)]] : [];
    }),
  );
}
