/** The readable form of a research answer: numbered links, and the list of sources below. */
import type OpenAI from "openai";

export interface Citation {
  /** In code points. */
  start_index: number;
  /** Exclusive. */
  end_index: number;
  url: string;
  title: string;
}

export interface Report {
  text: string;
  /** In the order of their numbers, from 1. */
  sources: { title: string; url: string }[];
}

const LINK = /^\[([^\]]+)\]\((.+)\)$/;

const cut = (text: string, { start_index, end_index }: Citation): string =>
  Array.from(text).slice(start_index, end_index).join("");

/** Describes the errors in the citations of `text`; empty if there are none. */
export function findWrongCitations(text: string, citations: readonly Citation[], isKnown: (url: string) => boolean) {
  const errors = citations.length === 0 ? ["nothing is cited"] : [];
  for (const citation of citations) {
    if (!isLinkTo(cut(text, citation), citation.url))
      errors.push(`a citation of ${citation.url} cuts out “${cut(text, citation)}”`);
    if (!isKnown(citation.url)) errors.push(`a citation leads to ${citation.url}, which no call has found`);
  }
  return errors;
}

/** A marker that refers to a listed source: `[1]`, `[text][1]`, `【1】`, `¹`. */
const CITATION_MARK = /^(?:\[[^\]]+\](?:\[[^\]]*\])?|【[^】]+】|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/;

/** Models spell a page's URL differently from its site, and write it bare or as a marker. */
function isLinkTo(written: string, url: string): boolean {
  const address = LINK.exec(written)?.[2]?.replace(/^<|>$|\s.*$/g, "") ?? written;
  return URL.canParse(address) ? siteOf(address) === siteOf(url) : CITATION_MARK.test(written);
}

const siteOf = (url: string): string => new URL(url).host.replace(/^www\./, "");

export function numberSources(text: string, citations: readonly Citation[]): Report {
  const sources: Report["sources"] = [];
  const numberOf = ({ url, title }: Citation): number => {
    const index = sources.findIndex((source) => source.url === url);
    return index === -1 ? sources.push({ url, title }) : index + 1;
  };
  let numbered = "";
  let position = 0;
  for (const citation of citations.toSorted((a, b) => a.start_index - b.start_index)) {
    const before = { ...citation, start_index: position, end_index: citation.start_index };
    const words = LINK.exec(cut(text, citation))?.[1] ?? cut(text, citation);
    numbered += `${cut(text, before)}${words} [${numberOf(citation)}]`;
    position = citation.end_index;
  }
  return { text: numbered + Array.from(text).slice(position).join(""), sources };
}

/** The last completed text of the response. Throws if there is none. */
export function readAnswer(response: OpenAI.Responses.Response): { text: string; citations: Citation[] } {
  const message = response.output.findLast((item) => item.type === "message" && item.status === "completed");
  const parts = message?.type === "message" ? message.content : [];
  const part = parts.findLast((each) => each.type === "output_text");
  if (part === undefined) throw new Error("The response has no answer.");
  return { text: part.text, citations: part.annotations.filter((each) => each.type === "url_citation") };
}
