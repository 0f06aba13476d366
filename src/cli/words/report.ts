/** A message as Markdown whose citations are footnotes. */
import type OpenAI from "openai";

type Message = OpenAI.Responses.ResponseOutputMessage;
type Text = OpenAI.Responses.ResponseOutputText;
type Citation = Extract<Text["annotations"][number], { type: "url_citation" }>;

export interface Source {
  title: string;
  url: string;
}

export interface Report {
  markdown: string;
  /** In the order of their footnotes, from 1. */
  sources: Source[];
}

const LINK = /^\[([^\]]+)\]\((.+)\)$/s;
/** A marker of a source that is not part of the text: `【1†source】`, `[1]`, `[3][4]`. */
const MARKER = /^(?:\s*(?:【[^】]*】|\[\d+\]))+$/;

export function writeReport({ content }: Message): Report {
  const sources: Source[] = [];
  const parts = content.map((part) => (part.type === "output_text" ? addFootnotes(part, sources) : part.refusal));
  const notes = sources.map(({ title, url }, i) => `[^${i + 1}]: ${title === "" ? "" : `${oneLine(title)}, `}<${url}>`);
  const blocks = [...parts.map((part) => part.trimEnd()), notes.join("\n")].filter((block) => block !== "");
  return { markdown: `${blocks.join("\n\n")}\n`, sources };
}

function addFootnotes({ text, annotations }: Text, sources: Source[]): string {
  const citations = annotations.filter((each) => each.type === "url_citation");
  // The places of citations count code points.
  const characters = Array.from(text);
  let written = "";
  let position = 0;
  for (const { start_index, end_index, url, title } of citations.toSorted(byPlace)) {
    // A server may cite one place twice, or places beyond the text.
    const start = Math.min(Math.max(start_index, position), characters.length);
    const end = Math.min(Math.max(end_index, start), characters.length);
    const cited = characters.slice(start, end).join("");
    const words = MARKER.test(cited) ? "" : (LINK.exec(cited)?.[1] ?? cited);
    written += `${characters.slice(position, start).join("")}${words}[^${numberOf({ title, url }, sources)}]`;
    position = end;
  }
  return written + characters.slice(position).join("");
}

const byPlace = (a: Citation, b: Citation): number => a.start_index - b.start_index || a.end_index - b.end_index;

function numberOf(source: Source, sources: Source[]): number {
  const index = sources.findIndex(({ url }) => url === source.url);
  return index === -1 ? sources.push(source) : index + 1;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
