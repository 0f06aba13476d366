/**
 * The program's output. Results go to stdout, all else to stderr, so that a pipe gets only results. A terminal has one
 * status line below everything, which is drawn again and again; other outputs get plain lines.
 */
import { styleText } from "node:util";

type Format = Parameters<typeof styleText>[0];

const CLEAR_LINE = "\r\u001B[2K";
const DEFAULT_COLUMNS = 80;
/** All control characters but tab and line feed: a model's text must not steer the terminal. */
// oxlint-disable-next-line eslint/no-control-regex -- these are the characters to remove
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

export const withoutControls = (text: string): string => text.replaceAll(CONTROLS, "");

export class Terminal {
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  /** Whether the text on stdout has ended its line. */
  #isAtLineStart = true;
  #status = "";

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Whether progress can be drawn over. */
  get isInteractive(): boolean {
    return this.#stderr.isTTY;
  }

  /** A line of the result. */
  print(line: string): void {
    this.printText(`${line}\n`);
  }

  /** A line of the result after a mark, which has a color if the screen wants colors (NO_COLOR). */
  printMarked(mark: string, format: Format, line: string): void {
    this.#stdout.write(`${styleText(format, mark, { stream: this.#stdout })} ${withoutControls(line)}\n`);
  }

  /** A part of the result. A file gets it as it is. */
  printText(text: string): void {
    if (text === "") return;
    this.#clearStatus();
    this.#stdout.write(this.#stdout.isTTY ? withoutControls(text) : text);
    this.#isAtLineStart = text.endsWith("\n");
    this.#drawStatus();
  }

  /** Ends a line of the result that has begun. */
  endText(): void {
    if (!this.#isAtLineStart) this.printText("\n");
  }

  /** A line about the result. */
  note(line: string, format: Format = "none"): void {
    this.#clearStatus();
    // On one screen, the note must not continue the text's line.
    if (!this.#isAtLineStart && this.#stdout.isTTY) this.endText();
    const styled = styleText(format, withoutControls(line), { stream: this.#stderr });
    this.#stderr.write(`${styled}\n`);
    this.#drawStatus();
  }

  /** Replaces the status line; an empty one removes it. Does nothing where lines cannot be drawn over. */
  showStatus(status: string): void {
    if (!this.isInteractive) return;
    this.#clearStatus();
    const columns = this.#stderr.columns || DEFAULT_COLUMNS;
    const line = withoutControls(status).replaceAll("\n", " ");
    this.#status = line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
    this.#drawStatus();
  }

  #clearStatus(): void {
    if (this.#status !== "" && this.#isStatusVisible) this.#stderr.write(CLEAR_LINE);
  }

  #drawStatus(): void {
    if (this.#status === "" || !this.#isStatusVisible) return;
    this.#stderr.write(styleText("dim", this.#status, { stream: this.#stderr }));
  }

  /** On the screen that shows unfinished text, there is no line for the status. */
  get #isStatusVisible(): boolean {
    return this.#isAtLineStart || !this.#stdout.isTTY;
  }
}
