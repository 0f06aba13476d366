/**
 * The blocks of a document that are run, and what they print. A word behind the language marks them: `sh run`, `ts run` or
 * `js run`, and `text output` or `json output` for what the block before it prints.
 */
import { type Tokens, marked } from "marked";

const EXTENSIONS: Readonly<Record<string, string>> = { ts: "ts", js: "mjs" };

export interface RunBlock {
  /** Of the shell, or the text of the file that Node runs. */
  source: string;
  /** Absent: the shell runs it. */
  extension?: string;
  outputs: ShownOutput[];
}

interface ShownOutput {
  language: string;
  text: string;
}

/** Throws if a mark is not one of those above. */
export function runBlocksIn(markdown: string): RunBlock[] {
  const blocks: RunBlock[] = [];
  void marked.walkTokens(marked.lexer(markdown), (token) => {
    if (token.type === "code") addTo(blocks, token as Tokens.Code);
  });
  return blocks;
}

function addTo(blocks: RunBlock[], { lang = "", text }: Tokens.Code): void {
  const [language = "", mark] = lang.split(" ");
  if (mark === undefined) return;
  if (mark === "output" && blocks.length > 0) blocks.at(-1)!.outputs.push({ language, text });
  else if (mark === "run" && language === "sh") blocks.push({ source: text, outputs: [] });
  else if (mark === "run" && language in EXTENSIONS)
    blocks.push({ source: text, extension: EXTENSIONS[language]!, outputs: [] });
  else throw new Error(`A block is marked \`${lang}\`, which means nothing.`);
}

const WILDCARD = /(…|\b[a-z]+_[0-9a-f]{16,}|\b\d{10,13}\b)/;

/** JSON is shown as the formatter of documents writes it: its spaces are not compared. */
export function comparable(text: string, language: string): string {
  return language === "json" ? text.replaceAll(/\s+/g, "") : text;
}

/** Found where the output was printed: `…` stands for any text, an id for any of its kind, a time for any other. */
export function patternFor(output: string): RegExp {
  const parts = output.trim().split(WILDCARD);
  return new RegExp(parts.map((part, i) => (i % 2 === 0 ? RegExp.escape(part) : wildcardFor(part))).join(""));
}

function wildcardFor(text: string): string {
  if (text === "…") return "[^]*?";
  return /^\d/.test(text) ? "\\d+" : text.replace(/[0-9a-f]{16,}$/, "[0-9a-f]+");
}
