/** `open_page` and `find_in_page`: what a page says, section by section, and where it says something. */
import { z } from "zod";
import type { CitedSource } from "../read-pages.ts";
import type { ServerFunction, ToolCall, ToolResult } from "../tool.ts";
import { toolError } from "../tool-calls.ts";
import { findInSections } from "./find-in-text.ts";
import type { Page, PageReader } from "./page-reader.ts";
import { splitSections } from "./page-sections.ts";
import { CITE, STRANGERS } from "./search-function.ts";
import type { SearchSettings } from "./search-settings.ts";
import { showWebSearchCall } from "./show-web-search-call.ts";

const PATTERN_MAXIMUM = 500;

/** Some models write numbers as strings. */
const openSchema = z.object({
  url: z.string(),
  page: z.coerce.number().int().min(1).nullish().catch(1),
});
const findSchema = z.object({ url: z.string(), pattern: z.string().trim().min(1).max(PATTERN_MAXIMUM) });
/** Of arguments that are not all there yet. */
const shownSchema = z
  .object({ url: z.string().catch(""), pattern: z.string().catch("") })
  .catch({ url: "", pattern: "" });

export function openPageFunction(reader: PageReader, { size }: SearchSettings): ServerFunction {
  return {
    definition: {
      type: "function",
      name: "open_page",
      description: `Open a page of the web and read its text. Long pages come in parts: ask for the next one with 'page'. Open a page before you rely on it: one that a search only listed is not cited. ${CITE}`,
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
    show: (place) =>
      showWebSearchCall((args) => {
        const { url } = shownSchema.parse(args);
        return url === "" ? { type: "open_page" } : { type: "open_page", url };
      }, place),
    run: async (call, { signal }) => {
      const parsed = openSchema.safeParse(JSON.parse(call.arguments));
      if (!parsed.success) return toolError("The argument 'url' is missing.");
      const page = await reader.read(parsed.data.url, signal);
      return openSection(page, parsed.data.url, parsed.data.page ?? 1, size.sectionLength);
    },
  };
}

export function findInPageFunction(reader: PageReader, { size }: SearchSettings): ServerFunction {
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
    show: (place) => showWebSearchCall((args) => ({ type: "find_in_page", ...shownSchema.parse(args) }), place),
    run: async (call, { signal }) => await find(reader, call, size.sectionLength, signal),
  };
}

function openSection(page: Page, url: string, number: number, sectionLength: number): ToolResult {
  const sections = splitSections(page.text, sectionLength);
  const section = sections[number - 1];
  if (section === undefined) return toolError(`The page has ${sections.length} parts; there is no part ${number}.`);
  const place = sections.length > 1 ? ` (part ${number} of ${sections.length})` : "";
  const next = number < sections.length ? `\n\nThe page goes on: open it with "page": ${number + 1}.` : "";
  const output = `${headOf(page)}${place}\n\n${section}\n\n${STRANGERS}${next}`;
  return { output, isError: false, details: { sources: sourcesOf(page, url) } };
}

async function find(
  reader: PageReader,
  call: ToolCall,
  sectionLength: number,
  signal: AbortSignal,
): Promise<ToolResult> {
  const parsed = findSchema.safeParse(JSON.parse(call.arguments));
  if (!parsed.success)
    return toolError(`The argument '${String(parsed.error.issues[0]?.path[0])}' is missing or not valid.`);
  const { url, pattern } = parsed.data;
  const page = await reader.read(url, signal);
  const sections = splitSections(page.text, sectionLength);
  const { total, shown } = findInSections(sections, pattern);
  const details = { sources: sourcesOf(page, url) };
  if (total === 0) return { output: `${headOf(page)}\n\nThe page does not say: ${pattern}`, isError: false, details };
  const places = total === 1 ? "1 place" : `${total} places`;
  const count = total > shown.length ? `${places}, the first ${shown.length} of them` : places;
  const list = shown.map((match, i) => {
    const part = sections.length > 1 ? `(page ${match.page}) ` : "";
    return `${i + 1}. ${part}${match.excerpt}`;
  });
  const output = `${headOf(page)}\n\nFound in ${count}:\n\n${list.join("\n\n")}\n\n${STRANGERS}`;
  return { output, isError: false, details };
}

function headOf({ title, url, published }: Page): string {
  const lines = [title, `URL: ${url}`, published === undefined ? "" : `Published: ${published}`];
  return lines.filter((line) => line !== "").join("\n");
}

/** A model may cite a page by the URL that it asked for, by the one that it was led to, or by the one that the page names. */
function sourcesOf({ url, title, canonical }: Page, asked: string): CitedSource[] {
  const urls = new Set([url, asked, ...(canonical === undefined ? [] : [canonical])]);
  return [...urls].map((each) => ({ url: each, title }));
}
