/** The demo's output: the same text in a terminal and in a log, at most 100 columns wide. */
import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

const MAX_WIDTH = 100;
const INDENT = "   ";
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPIN_MS = 100;
/** Interval of progress lines in a log, which cannot be overwritten. */
const REMIND_MS = 2_000;
const CLEAR_LINE = "\r\u001B[2K";

export class Screen {
  readonly #out: NodeJS.WriteStream;
  #headings = 0;
  /** Column of running text; 0 at the start of a line. */
  #column = 0;
  #waiting: NodeJS.Timeout | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  printTitle(printText: string): void {
    this.printLine(printText, "bold", "");
  }

  printHeading(text: string): void {
    this.#headings += 1;
    this.printLine("");
    this.printLine(`${this.#headings}. ${text}`, "bold", "");
  }

  printLine(text: string, format: Format = "none", indent = INDENT): void {
    this.endText();
    this.#out.write(text === "" ? "\n" : `${this.#styled(format, indent + text)}\n`);
  }

  /** Appends running text, wrapped between words. */
  text(delta: string, format: Format = "none"): void {
    this.#endWaiting();
    const width = Math.min(this.#out.columns || MAX_WIDTH, MAX_WIDTH);
    for (const word of delta.match(/\s*\S+|\s+$/g) ?? []) {
      const isFirst = this.#column === 0;
      const isWrapped = !isFirst && this.#column + word.length > width;
      if (isWrapped) this.#out.write("\n");
      const written = isFirst || isWrapped ? INDENT + word.trimStart() : word;
      this.#column = (isFirst || isWrapped ? 0 : this.#column) + written.length;
      this.#out.write(this.#styled(format, written));
    }
  }

  endText(): void {
    this.#endWaiting();
    if (this.#column > 0) this.#out.write("\n");
    this.#column = 0;
  }

  /** Shows the elapsed time until the next output. */
  showWaiting(text: string): void {
    this.endText();
    const sinceMs = performance.now();
    const elapsed = (digits: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(digits)} s`;
    if (this.#out.isTTY) {
      let turn = 0;
      this.#waiting = setInterval(() => {
        const spinner = SPINNER[turn % SPINNER.length]!;
        turn += 1;
        this.#out.write(`${CLEAR_LINE}${INDENT}${this.#styled("cyan", spinner)} ${text} ${elapsed(1)}`);
      }, SPIN_MS);
    } else {
      this.printLine(text);
      this.#waiting = setInterval(() => this.#out.write(`${INDENT}… ${elapsed(0)}\n`), REMIND_MS);
    }
  }

  #endWaiting(): void {
    if (this.#waiting === undefined) return;
    clearInterval(this.#waiting);
    this.#waiting = undefined;
    if (this.#out.isTTY) this.#out.write(CLEAR_LINE);
  }

  #styled(format: Format, text: string): string {
    return styleText(format, text, { stream: this.#out });
  }
}
