/**
 * Errors that mean something other than their status says, recognized by their text. An error whose text is unknown
 * keeps the meaning of its status.
 */
import { asString, isObject } from "./json.ts";

/**
 * The model wrote a call or a JSON text that its provider could not parse. Another sample may be valid.
 *   - Groq: 400 `tool_use_failed`, `json_validate_failed`, with a `failed_generation`
 *     (https://github.com/groq/groq-typescript/issues/28)
 *   - Ollama, vLLM and llama.cpp: the message of their parser (https://github.com/ollama/ollama/issues/11704)
 */
const UNREADABLE_OUTPUT_CODES: ReadonlySet<string> = new Set(["tool_use_failed", "json_validate_failed"]);
const UNREADABLE_OUTPUT_SENTENCE =
  /failed to call a function|tool call validation failed|(?:error|failed) (?:in )?pars(?:ing|e) (?:the )?(?:tool|function)[ _]calls?/i;

export function describesUnreadableOutput(error: unknown): boolean {
  if (!isObject(error)) return UNREADABLE_OUTPUT_SENTENCE.test(asString(error) ?? "");
  if (UNREADABLE_OUTPUT_CODES.has(asString(error["code"]) ?? "") || error["failed_generation"] != null) return true;
  // Ollama has written the message as a field's name.
  return [asString(error["message"]) ?? "", ...Object.keys(error)].some((text) =>
    UNREADABLE_OUTPUT_SENTENCE.test(text),
  );
}

/** Gemini's finish reasons with the same meaning (https://ai.google.dev/api/generate-content#FinishReason). */
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
 * A rate limit that this request exceeds on its own, so that no wait helps. OpenAI and Groq write "Limit 30000, Requested
 * 37313", with status 429 or 413 (https://github.com/continuedev/continue/issues/11717). If less was requested than the
 * limit, the same words mean an ordinary rate limit (https://github.com/UKGovernmentBEIS/inspect_ai/pull/1396).
 */
export function exceedsWholeRateLimit(message: string): boolean {
  const [, limit, requested] = /\blimit:? ~?([\d,_]+).{0,80}?\brequested:? ~?([\d,_]+)/i.exec(message) ?? [];
  if (limit === undefined || requested === undefined) return false;
  return parseCount(requested) > parseCount(limit);
}

function parseCount(digits: string): number {
  return Number(digits.replaceAll(/[,_]/g, ""));
}
