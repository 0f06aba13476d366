/** `open_page` and `find_in_page`: what a page says, section by section, and where it says something. */
import { z } from "zod";
import { createToolError, type ServerFunction, type ToolCall, type ToolResult } from "../tool.ts";
import type { CitedSource } from "../tool-items.ts";
import { findInSections } from "./find-in-text.ts";
import type { WebPage, PageReader } from "./page-reader.ts";
import { splitSections } from "./page-sections.ts";
import { CITATION_INSTRUCTION, UNTRUSTED_CONTENT_NOTE } from "./search-function.ts";
import type { SearchSettings } from "./search-settings.ts";
import { presentWebSearchCall } from "./web-search-call-presenter.ts";

const MAX_PATTERN_LENGTH = 500;

/** Some models write numbers as strings. */
const openSchema = z.object({
  url: z.string(),
  page: z.coerce.number().int().min(1).nullish().catch(1),
});
const findSchema = z.object({ url: z.string(), pattern: z.string().trim().min(1).max(MAX_PATTERN_LENGTH) });
/** Of arguments that are not all there yet. */
const shownSchema = z
  .object({ url: z.string().catch(""), pattern: z.string().catch("") })
  .catch({ url: "", pattern: "" });

export function createOpenPageFunction(reader: PageReader, { size }: SearchSettings): ServerFunction {
  return {
    definition: {
      type: "function",
      name: "open_page",
      description: `Open a page of the web and read its text. Long pages come in parts: ask for the next one with 'page'. Open a page before you rely on it: one that a search only listed is not cited. ${CITATION_INSTRUCTION}`,
      parameters: {
        type: "object",
        properties: {
          url: { type: "string", description: "As a search or another page gave it." },
          page: { type: "integer", minimum: 1, description: "Which part of the text; 1 if it is left out." },
        },
        required: ["url"],
      },
      strict: false,
    },
    isReadOnly: true,
    itemType: "web_search_call",
    presentCall: (place) =>
      presentWebSearchCall((args) => {
        const { url } = shownSchema.parse(args);
        return url === "" ? { type: "open_page" } : { type: "open_page", url };
      }, place),
    run: async (call, { signal }) => {
      const parsed = openSchema.safeParse(JSON.parse(call.arguments));
      if (!parsed.success) return createToolError("The argument 'url' is missing.");
      const page = await reader.read(parsed.data.url, signal);
      return openSection(page, parsed.data.url, parsed.data.page ?? 1, size.sectionLength);
    },
  };
}

export function createFindInPageFunction(reader: PageReader, { size }: SearchSettings): ServerFunction {
  return {
    definition: {
      type: "function",
      name: "find_in_page",
      description: "Find where a page of the web says something: each place, with the text around it.",
      parameters: {
        type: "object",
        properties: {
          url: { type: "string", description: "As a search or another page gave it." },
          pattern: { type: "string", description: "The words to look for, as they stand in the page." },
        },
        required: ["url", "pattern"],
      },
      strict: false,
    },
    isReadOnly: true,
    itemType: "web_search_call",
    presentCall: (place) =>
      presentWebSearchCall((args) => ({ type: "find_in_page", ...shownSchema.parse(args) }), place),
    run: async (call, { signal }) => await findInPage(reader, call, size.sectionLength, signal),
  };
}

function openSection(page: WebPage, url: string, number: number, sectionLength: number): ToolResult {
  const sections = splitSections(page.text, sectionLength);
  const section = sections[number - 1];
  if (section === undefined)
    return createToolError(`The page has ${sections.length} parts; there is no part ${number}.`);
  const place = sections.length > 1 ? ` (part ${number} of ${sections.length})` : "";
  const next = number < sections.length ? `\n\nThe page goes on: open it with "page": ${number + 1}.` : "";
  const output = `${describePage(page)}${place}\n\n${section}\n\n${UNTRUSTED_CONTENT_NOTE}${next}`;
  return { output, isError: false, details: { sources: collectSources(page, url) } };
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
  const sections = splitSections(page.text, sectionLength);
  const { total, shown } = findInSections(sections, pattern);
  const details = { sources: collectSources(page, url) };
  if (total === 0)
    return { output: `${describePage(page)}\n\nThe page does not say: ${pattern}`, isError: false, details };
  const places = total === 1 ? "1 place" : `${total} places`;
  const count = total > shown.length ? `${places}, the first ${shown.length} of them` : places;
  const list = shown.map((match, i) => {
    const part = sections.length > 1 ? `(page ${match.page}) ` : "";
    return `${i + 1}. ${part}${match.excerpt}`;
  });
  const output = `${describePage(page)}\n\nFound in ${count}:\n\n${list.join("\n\n")}\n\n${UNTRUSTED_CONTENT_NOTE}`;
  return { output, isError: false, details };
}

function describePage({ title, url, published }: WebPage): string {
  const lines = [title, `URL: ${url}`, published === undefined ? "" : `Published: ${published}`];
  return lines.filter((line) => line !== "").join("\n");
}

/** A model may cite a page by the URL that it asked for, by the one that it was led to, or by the one that the page names. */
function collectSources({ url, title, canonical }: WebPage, asked: string): CitedSource[] {
  const urls = new Set([url, asked, ...(canonical === undefined ? [] : [canonical])]);
  return [...urls].map((each) => ({ url: each, title }));
}
