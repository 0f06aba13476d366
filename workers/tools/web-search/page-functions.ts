/** The functions `open_page`, which returns a page part by part, and `find_in_page`, which returns passages of it. */
import { z } from "zod";
import { createToolError, type ServerFunction, type ToolCall, type ToolResult } from "../tool.ts";
import type { CitedSource } from "../tool-items.ts";
import { findInSections } from "./find-in-text.ts";
import type { WebPage, PageReader } from "./page-reader.ts";
import { listParts, readPart } from "./page-parts.ts";
import { CITATION_INSTRUCTION, UNTRUSTED_CONTENT_NOTE } from "./search-function.ts";
import type { SearchSettings } from "./search-settings.ts";
import { presentWebSearchCall } from "./web-search-call-presenter.ts";

const MAX_PATTERN_LENGTH = 500;

/** Some models write numbers as strings. */
const openSchema = z.object({
  url: z.string(),
  page: z.coerce.number().int().min(1).nullish().catch(undefined),
});
const findSchema = z.object({ url: z.string(), pattern: z.string().trim().min(1).max(MAX_PATTERN_LENGTH) });
/** The schema of arguments that are not complete yet. */
const partialSchema = z
  .object({ url: z.string().catch(""), pattern: z.string().catch("") })
  .catch({ url: "", pattern: "" });

export function createOpenPageFunction(reader: PageReader, { size }: SearchSettings): ServerFunction {
  return {
    definition: {
      type: "function",
      name: "open_page",
      description: `Open a web page or a document (PDF, Word, Excel, PowerPoint, EPUB) and read its text. Long pages have several parts: request the next one with 'page'. Open a page before you rely on it: a page that a search only listed is not cited. ${CITATION_INSTRUCTION}`,
      parameters: {
        type: "object",
        properties: {
          url: { type: "string", description: "The URL, exactly as in a search result or on another page." },
          page: {
            type: "integer",
            minimum: 1,
            description: "The part of the text to read, or the page of a document. Defaults to 1.",
          },
        },
        required: ["url"],
      },
      strict: false,
    },
    isReadOnly: true,
    itemType: "web_search_call",
    presentCall: (position) =>
      presentWebSearchCall((args) => {
        const { url } = partialSchema.parse(args);
        return url === "" ? { type: "open_page" } : { type: "open_page", url };
      }, position),
    run: async (call, { signal }) => {
      const parsed = openSchema.safeParse(JSON.parse(call.arguments));
      if (!parsed.success) return createToolError("The argument 'url' is missing.");
      const page = await reader.read(parsed.data.url, signal);
      const number = parsed.data.page ?? readPageFragment(parsed.data.url) ?? 1;
      return openPart(page, parsed.data.url, number, size.sectionLength);
    },
  };
}

export function createFindInPageFunction(reader: PageReader, { size }: SearchSettings): ServerFunction {
  return {
    definition: {
      type: "function",
      name: "find_in_page",
      description: "Find passages in a web page. Returns each match with the text around it.",
      parameters: {
        type: "object",
        properties: {
          url: { type: "string", description: "The URL, exactly as in a search result or on another page." },
          pattern: { type: "string", description: "The words to find, exactly as on the page." },
        },
        required: ["url", "pattern"],
      },
      strict: false,
    },
    isReadOnly: true,
    itemType: "web_search_call",
    presentCall: (position) =>
      presentWebSearchCall((args) => ({ type: "find_in_page", ...partialSchema.parse(args) }), position),
    run: async (call, { signal }) => await findInPage(reader, call, size.sectionLength, signal),
  };
}

/** `#page=3`, as in links to PDFs (RFC 8118 §3). */
function readPageFragment(url: string): number | undefined {
  const number = Number(/#(?:.*&)?page=(\d{1,7})(?:&|$)/.exec(url)?.[1]);
  return number >= 1 ? number : undefined;
}

function openPart(page: WebPage, url: string, number: number, length: number): ToolResult {
  const part = readPart(page, number, length);
  if (typeof part === "string") return createToolError(part);
  const { position, text, next } = part;
  const more = next === undefined ? describeRest(page) : `\n\nThe page continues: open it with "page": ${next}.`;
  const output = `${describePage(page)}${position}\n\n${text}\n\n${UNTRUSTED_CONTENT_NOTE}${more}`;
  return { output, isError: false, details: { sources: collectSources(page, url) } };
}

function describeRest({ document: { isTruncated } }: WebPage): string {
  return isTruncated ? "\n\nThe text is longer, but the rest cannot be read." : "";
}

async function findInPage(
  reader: PageReader,
  call: ToolCall,
  sectionLength: number,
  signal: AbortSignal,
): Promise<ToolResult> {
  const parsed = findSchema.safeParse(JSON.parse(call.arguments));
  if (!parsed.success)
    return createToolError(`The argument '${String(parsed.error.issues[0]?.path[0])}' is missing or not valid.`);
  const { url, pattern } = parsed.data;
  const page = await reader.read(url, signal);
  const { texts, nameOf } = listParts(page, sectionLength);
  const { total, shown } = findInSections(texts, pattern);
  const details = { sources: collectSources(page, url) };
  if (total === 0)
    return { output: `${describePage(page)}\n\nNot found on this page: ${pattern}`, isError: false, details };
  const matches = total === 1 ? "1 match" : `${total} matches`;
  const count = total > shown.length ? `${matches}, the first ${shown.length} of them` : matches;
  const list = shown.map((match, i) => `${i + 1}. ${nameOf(match.page - 1)}${match.excerpt}`);
  const output = `${describePage(page)}\n\nFound ${count}:\n\n${list.join("\n\n")}\n\n${UNTRUSTED_CONTENT_NOTE}`;
  return { output, isError: false, details };
}

function describePage({ title, url, published, document }: WebPage): string {
  // Browsers open a PDF at such an address (RFC 8118 §3).
  const address = document.kind === "pdf" ? `URL: ${url} (add #page=N to cite a page)` : `URL: ${url}`;
  const lines = [title, address, published === undefined ? "" : `Published: ${published}`];
  return lines.filter((line) => line !== "").join("\n");
}

/** A model may cite a page by the URL that it requested, by the URL after redirects, or by the page's canonical URL. */
function collectSources({ url, title, canonical }: WebPage, requested: string): CitedSource[] {
  const urls = new Set([url, requested, ...(canonical === undefined ? [] : [canonical])]);
  return [...urls].map((each) => ({ url: each, title }));
}
