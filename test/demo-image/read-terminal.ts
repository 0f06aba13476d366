/** Reads the output of a terminal program: which text appears where, in which format, and when. */

/** A part of a program's output. `atMs` counts from its start. */
export interface TerminalOutput {
  atMs: number;
  text: string;
}

/** Text in one format on one row. Rows and columns count from 0. */
export interface TerminalText {
  row: number;
  column: number;
  text: string;
  format: TerminalFormat;
  atMs: number;
}

export type TerminalFormat = "plain" | "bold" | "dim" | "green" | "yellow" | "cyan";

/** Select Graphic Rendition, ECMA-48 8.3.117: the codes that the demo writes. */
const FORMATS: Readonly<Record<string, TerminalFormat>> = {
  "1": "bold",
  "2": "dim",
  "22": "plain",
  "32": "green",
  "33": "yellow",
  "36": "cyan",
  "39": "plain",
};
/** Parts of a row that appear within this time appear together, which keeps the image small. */
const TOGETHER_MS = 250;

// oxlint-disable-next-line no-control-regex -- Escape sequences begin with a control character.
const TOKEN = /\u001B\[(?<code>\d+)m|(?<end>\n)|(?<text>[^\u001B\n]+)/g;

export function readTerminal(outputs: readonly TerminalOutput[]): TerminalText[] {
  const texts: TerminalText[] = [];
  let row = 0;
  let column = 0;
  let format: TerminalFormat = "plain";
  for (const { atMs, text: output } of outputs) {
    for (const { groups } of output.matchAll(TOKEN)) {
      const { code, end, text } = groups ?? {};
      if (code !== undefined) format = FORMATS[code] ?? "plain";
      if (end !== undefined) {
        row += 1;
        column = 0;
      }
      if (text !== undefined) {
        append(texts, { row, column, text, format, atMs });
        column += text.length;
      }
    }
  }
  return texts;
}

function append(texts: TerminalText[], next: TerminalText): void {
  const last = texts.at(-1);
  const isTogether = last?.row === next.row && last.format === next.format && next.atMs - last.atMs < TOGETHER_MS;
  if (last !== undefined && isTogether) last.text += next.text;
  else texts.push(next);
}
