/**
 * The words of a provider's error, in whatever form it sends them. Besides OpenAI's string there are
 *   - lists of what is wrong with a body, as pydantic makes them: `{"detail":[{"loc":["body","user"],"msg":"…"}]}`, in the
 *     place of the error, of its message, or as text within it (https://github.com/dnakov/anon-kode/issues/53),
 *   - words behind a message that says nothing: OpenRouter's `metadata.raw`
 *     (https://openrouter.ai/docs/api-reference/errors).
 */
import { asArray, asString, isObject, type Json } from "./json.ts";

const MAX_CHARACTERS = 1_000;
/** Far more than fit into that. */
const MAX_DETAILS = 20;
const MAX_DEPTH = 5;
/** In which a provider puts words, or an object that has them; the most telling first. */
const TEXT_FIELDS = ["message", "msg", "detail", "details", "error", "errors", "error_description", "title", "reason"];

/** Undefined if it has none. */
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

/** Some send JSON as a string. */
function extractTextFromString(value: string, depth: number): string | undefined {
  const text = value.trim();
  if (!/^[{[]/.test(text)) return text || undefined;
  try {
    return extractText(JSON.parse(text), depth + 1) ?? text;
  } catch {
    return text;
  }
}

function extractTextFromObject(fields: Json, depth: number): string | undefined {
  let text: string | undefined;
  for (const name of TEXT_FIELDS) text ??= extractText(fields[name], depth + 1);
  const behind = isObject(fields["metadata"]) ? extractText(fields["metadata"]["raw"], depth + 1) : undefined;
  if (behind !== undefined) text = text === undefined ? behind : `${text}: ${behind}`;
  const place = formatLocation(fields["loc"]);
  return text === undefined || place === undefined ? text : `${place}: ${text}`;
}

/** A path as pydantic has it. */
function formatLocation(loc: unknown): string | undefined {
  const names = asArray(loc).flatMap((name) => asString(name) ?? (typeof name === "number" ? String(name) : []));
  return names.length > 0 ? names.join(".") : undefined;
}
