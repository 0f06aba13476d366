/**
 * A run as it happens. A screen gets the text as the model writes it, and a status line; a pipe gets whole messages, since
 * a text that was cut off with its worker may be written again.
 */
import type OpenAI from "openai";
import type { RetryNotice } from "../client/index.ts";
import type { Terminal } from "./terminal.ts";
import type { WatchedRun } from "./watch-run.ts";
import { describeCount, describeDuration } from "./words/duration.ts";
import { describeDone, describeStart, searchOf } from "./words/item.ts";

type Event = OpenAI.Responses.ResponseStreamEvent;
type Item = OpenAI.Responses.ResponseOutputItem;

const DRAW_INTERVAL_MS = 500;
/** A guess, until the provider has counted. */
const CHARACTERS_PER_TOKEN = 4;

export interface ProgressOptions {
  /** Whether a reader sees stdout now. */
  streamsText: boolean;
}

export class Progress implements Disposable {
  readonly #terminal: Terminal;
  readonly #options: ProgressOptions;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #step = "waiting for the first event";
  #wait: WatchedRun["wait"];
  #tokens: number | undefined;
  #characters = 0;
  #search: string | undefined;
  /** A message that ended `incomplete`: the last one, or to be written again. */
  #held = "";

  constructor(terminal: Terminal, options: ProgressOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#timer = setInterval(() => this.#draw(), DRAW_INTERVAL_MS);
  }

  showEvent(event: Event): void {
    switch (event.type) {
      case "response.queued":
        this.#step = "queued";
        break;
      case "response.in_progress":
        this.#step = "calling the model";
        break;
      case "response.output_item.added":
        this.#step = describeStart(event.item);
        this.#held = "";
        break;
      case "response.output_text.delta":
      case "response.refusal.delta":
        this.#count(event.delta);
        if (this.#options.streamsText) this.#terminal.printText(event.delta);
        break;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        this.#count(event.delta);
        break;
      case "response.output_item.done":
        this.#step = "calling the model";
        this.#showDone(event.item);
        break;
      default:
    }
  }

  showRun({ wait, tokens }: WatchedRun): void {
    this.#tokens = tokens ?? this.#tokens;
    // The status line shows each wait anyway.
    if (wait !== undefined && wait.type !== this.#wait?.type && !this.#terminal.isInteractive) this.#note(wait.words);
    this.#wait = wait;
  }

  showRetry({ error, delayMs }: RetryNotice): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#note(`${reason} Trying again in ${describeDuration(delayMs)}.`);
  }

  /** Prints what a pipe has not got yet, and the last line. */
  showEnd(response: OpenAI.Responses.Response): void {
    if (!this.#options.streamsText) this.#terminal.printText(this.#held);
    this.#terminal.endText();
    const { status, usage, error, incomplete_details } = response;
    const reason = error?.message ?? incomplete_details?.reason;
    const tokens = usage
      ? `, ${describeCount(usage.input_tokens)} tokens in, ${describeCount(usage.output_tokens)} out`
      : "";
    const line = `${response.id} ${status}${reason === undefined ? "" : `: ${reason}`}${tokens}`;
    this.#terminal.showStatus("");
    this.#terminal.note(line, status === "completed" ? "green" : "red");
  }

  #count(delta: string): void {
    this.#characters += delta.length;
    this.#wait = undefined;
  }

  #showDone(item: Item): void {
    this.#search = searchOf(item) ?? this.#search;
    const line = describeDone(item);
    if (line !== undefined) this.#note(line);
    if (item.type !== "message") return;
    const isCutOff = item.status === "incomplete";
    if (this.#options.streamsText) {
      this.#terminal.endText();
      if (isCutOff) this.#terminal.note("(cut off)", "yellow");
      return;
    }
    const text = item.content.map((part) => (part.type === "output_text" ? part.text : part.refusal)).join("");
    if (isCutOff) this.#held = `${text}\n`;
    else this.#terminal.printText(`${text}\n`);
  }

  #note(line: string): void {
    this.#terminal.note(`${describeDuration(performance.now() - this.#startedMs).padStart(9)}  ${line}`, "dim");
  }

  #draw(): void {
    const guessed = Math.round(this.#characters / CHARACTERS_PER_TOKEN);
    const tokens = this.#tokens === undefined ? `≈${describeCount(guessed)}` : describeCount(this.#tokens);
    const parts = [
      this.#wait?.words ?? this.#step,
      describeDuration(performance.now() - this.#startedMs),
      ...(this.#characters > 0 || this.#tokens !== undefined ? [`${tokens} tokens`] : []),
      ...(this.#search === undefined ? [] : [`last search ${this.#search}`]),
    ];
    this.#terminal.showStatus(parts.join(" · "));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#terminal.showStatus("");
  }
}
