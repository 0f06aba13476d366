/**
 * Refusals that mean something else than their status does. Both are known by what vendors write; a sentence that is not
 * here keeps the meaning of its status.
 */
import { asString, isObject } from "./json.ts";

/**
 * The model wrote a call or a JSON text that its provider could not read: the next sample may be well.
 *   - Groq: 400 `tool_use_failed`, `json_validate_failed`, with a `failed_generation`
 *     (https://github.com/groq/groq-typescript/issues/28)
 *   - Ollama, vLLM and llama.cpp: the sentence of their parser (https://github.com/ollama/ollama/issues/11704)
 */
const UNREADABLE_OUTPUT_CODES: ReadonlySet<string> = new Set(["tool_use_failed", "json_validate_failed"]);
const UNREADABLE_OUTPUT_SENTENCE =
  /failed to call a function|tool call validation failed|(?:error|failed) (?:in )?pars(?:ing|e) (?:the )?(?:tool|function)[ _]calls?/i;

export function describesUnreadableOutput(error: unknown): boolean {
  if (!isObject(error)) return UNREADABLE_OUTPUT_SENTENCE.test(asString(error) ?? "");
  if (UNREADABLE_OUTPUT_CODES.has(asString(error["code"]) ?? "") || error["failed_generation"] != null) return true;
  // Ollama has written the sentence in the place of the field's name.
  return [asString(error["message"]) ?? "", ...Object.keys(error)].some((text) =>
    UNREADABLE_OUTPUT_SENTENCE.test(text),
  );
}

/** Finish reasons for the same: Gemini's (https://ai.google.dev/api/generate-content#FinishReason). */
const UNREADABLE_OUTPUT_REASONS: ReadonlySet<string> = new Set([
  "MALFORMED_FUNCTION_CALL",
  "MALFORMED_RESPONSE",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
]);

export function isUnreadableOutputReason(reason: string | undefined): boolean {
  return reason !== undefined && UNREADABLE_OUTPUT_REASONS.has(reason.toUpperCase());
}

/**
 * A rate limit that this request alone exceeds: no wait makes it fit. OpenAI and Groq say so as "Limit 30000, Requested
 * 37313", with status 429 and 413 (https://github.com/continuedev/continue/issues/11717). With less requested than the limit
 * it is an ordinary rate limit in the same words (https://github.com/UKGovernmentBEIS/inspect_ai/pull/1396).
 */
export function exceedsWholeRateLimit(message: string): boolean {
  const [, limit, requested] = /\blimit:? ~?([\d,_]+).{0,80}?\brequested:? ~?([\d,_]+)/i.exec(message) ?? [];
  if (limit === undefined || requested === undefined) return false;
  return parseCount(requested) > parseCount(limit);
}

function parseCount(digits: string): number {
  return Number(digits.replaceAll(/[,_]/g, ""));
}
