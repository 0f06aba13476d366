/**
 * Reads the document that a server's `fetch` tool returns: `{ id, title, text, url }`, as structured content or as JSON
 * in a text. Servers for deep research follow this contract, and a document without a URL is no source
 * (https://developers.openai.com/api/docs/mcp).
 */
import { z } from "zod";
import type { ToolResult } from "../../../src/store/run-journals.ts";

const MAX_URL_CHARACTERS = 4_096;
const MAX_TITLE_CHARACTERS = 300;

const documentSchema = z.object({
  url: z
    .string()
    .max(MAX_URL_CHARACTERS)
    .regex(/^https?:\/\//i),
  text: z.string(),
  title: z.string().nullish(),
});

interface FetchedDocument {
  url: string;
  title: string;
}

/** Unchanged from the server, and unchecked. */
interface McpAnswer {
  content?: unknown;
  structuredContent?: unknown;
}

const textSchema = z.union([z.string(), z.object({ text: z.string() }).transform(({ text }) => text)]);

/** Adds the document to the call's journaled details. The output for the model does not change. */
export function addFetchedDocument(
  toolName: string,
  answer: McpAnswer,
  result: ToolResult,
  redact: (text: string) => string,
) {
  if (result.isError) return result;
  const blocks: unknown[] = Array.isArray(answer.content) ? answer.content : [answer.content];
  const texts = blocks.flatMap((block) => textSchema.safeParse(block).data ?? []);
  const document = findFetchedDocument(toolName, [answer.structuredContent, ...texts]);
  if (document === undefined) return result;
  const details = typeof result.details === "object" ? result.details : {};
  const sources = [{ url: redact(document.url), title: redact(document.title) }];
  return { ...result, details: { ...details, sources } };
}

/** The first value that is a document, or the JSON of one. */
export function findFetchedDocument(toolName: string, values: readonly unknown[]): FetchedDocument | undefined {
  if (toolName !== "fetch") return undefined;
  for (const value of values) {
    const parsed = documentSchema.safeParse(typeof value === "string" ? readJson(value) : value);
    if (!parsed.success || !URL.canParse(parsed.data.url)) continue;
    const title = (parsed.data.title ?? "").replace(/\s+/g, " ").trim();
    return { url: parsed.data.url, title: title.slice(0, MAX_TITLE_CHARACTERS) };
  }
  return undefined;
}

/** Undefined if the text is not JSON: most answers are prose. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
