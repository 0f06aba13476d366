/**
 * Extracts the message of a provider's error, in any form that providers send. OpenAI sends a string. Others send
 *   - lists of validation errors, as pydantic writes them: `{"detail":[{"loc":["body","user"],"msg":"…"}]}`, in place of
 *     the error or its message, or as JSON text in either (https://github.com/dnakov/anon-kode/issues/53),
 *   - a generic message with details in OpenRouter's `metadata.raw`
 *     (https://openrouter.ai/docs/api-reference/errors).
 */
import { asArray, asString, isObject, parseJson, type Json } from "./json.ts";

const MAX_CHARACTERS = 1_000;
/** Far more than fit into MAX_CHARACTERS. */
const MAX_DETAILS = 20;
const MAX_DEPTH = 5;
/** Fields in which providers put a message, or an object that contains one; the most informative first. */
const TEXT_FIELDS = ["message", "msg", "detail", "details", "error", "errors", "error_description", "title", "reason"];

/** Undefined if the error has no message. */
export function extractErrorText(error: unknown): string | undefined {
  return extractText(error, 0)?.slice(0, MAX_CHARACTERS);
}

function extractText(value: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof value === "string") return extractTextFromString(value, depth);
  if (Array.isArray(value)) {
    const texts = value.slice(0, MAX_DETAILS).map((each) => extractText(each, depth + 1));
    return texts.filter((text) => text !== undefined).join("; ") || undefined;
  }
  return isObject(value) ? extractTextFromObject(value, depth) : undefined;
}

/** Some providers send JSON as a string. */
function extractTextFromString(value: string, depth: number): string | undefined {
  const text = value.trim();
  if (!/^[{[]/.test(text)) return text || undefined;
  return extractText(parseJson(text), depth + 1) ?? text;
}

function extractTextFromObject(fields: Json, depth: number): string | undefined {
  let text: string | undefined;
  for (const name of TEXT_FIELDS) text ??= extractText(fields[name], depth + 1);
  const details = isObject(fields["metadata"]) ? extractText(fields["metadata"]["raw"], depth + 1) : undefined;
  if (details !== undefined) text = text === undefined ? details : `${text}: ${details}`;
  const location = formatLocation(fields["loc"]);
  return text === undefined || location === undefined ? text : `${location}: ${text}`;
}

/** Formats pydantic's path of the invalid field. */
function formatLocation(loc: unknown): string | undefined {
  const names = asArray(loc).flatMap((name) => asString(name) ?? (typeof name === "number" ? String(name) : []));
  return names.length > 0 ? names.join(".") : undefined;
}
