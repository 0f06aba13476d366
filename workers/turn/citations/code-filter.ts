/**
 * Separates the code in a Markdown text from the rest (CommonMark 0.31 §4.4, §4.5 and §6.1): fenced and indented
 * blocks, and spans in backticks. It takes a text character by character, and emits each character once, in order.
 * Characters after a backtick wait until the span closes, or until the paragraph ends without closing it.
 */
import { CodeSpans, type EmitCharacter } from "./code-spans.ts";

/** Quotes and list markers that may precede a line's text. A longer prefix counts as text. */
const CONTAINER_PREFIX = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+[ \t>]*)*(?:[-*+]|\d{1,9}[.)]?)?$/;
const LIST_MARKER = /(?:[-*+]|\d{1,9}[.)])[ \t]/;
const MAX_PREFIX_LENGTH = 64;
/** A line that closes a fence is shorter than this. */
const MAX_CLOSING_LENGTH = 128;

type CodeMode = "line-start" | "fence-run" | "fence-info" | "text" | "indented" | "fence";

export class CodeFilter {
  readonly #emit: EmitCharacter;
  readonly #spans: CodeSpans;
  #mode: CodeMode = "line-start";
  /** The part of this line that is not emitted yet. */
  #held = "";
  #prefixLength = 0;
  #mark = "`";
  #fence = { mark: "`", length: 0, isQuoted: false };
  /** The current line of a fenced block. */
  #line = "";
  #isAfterBlank = true;
  #isInList = false;
  /** A heading or a table row: no span continues after it. */
  #isWholeLine = false;

  constructor(emit: EmitCharacter) {
    this.#emit = emit;
    this.#spans = new CodeSpans(emit);
  }

  accept(character: string): void {
    switch (this.#mode) {
      case "line-start":
        return this.#atLineStart(character);
      case "fence-run":
        return this.#inFenceRun(character);
      case "fence-info":
        return this.#inFenceInfo(character);
      case "text":
        return this.#inText(character);
      case "indented":
        this.#emit(character, character !== "\n");
        if (character === "\n") this.#beginLine();
        return;
      case "fence":
        return this.#inFence(character);
    }
  }

  end(): void {
    if (this.#mode === "fence-run" && this.#held.length - this.#prefixLength >= 3) this.#openFence();
    else if (this.#mode === "fence-info") this.#openFence();
    else this.#releaseHeld();
    this.#spans.end();
  }

  #beginLine(): void {
    this.#mode = "line-start";
    this.#held = "";
    this.#isWholeLine = false;
  }

  #atLineStart(character: string): void {
    if (character === "\n") {
      const isBlank = /^[ \t>]*$/.test(this.#held);
      this.#beginText();
      this.#inText(character);
      if (isBlank) {
        this.#spans.end();
        this.#isAfterBlank = true;
      }
      return;
    }
    if (character === "`" || character === "~") {
      this.#prefixLength = this.#held.length;
      this.#mark = character;
      this.#held += character;
      this.#mode = "fence-run";
      return;
    }
    const isPrefix = this.#held.length < MAX_PREFIX_LENGTH && CONTAINER_PREFIX.test(this.#held + character);
    if (isPrefix) {
      this.#held += character;
      return;
    }
    if (this.#isIndentedCode()) {
      for (const each of this.#held) this.#emit(each, true);
      this.#held = "";
      this.#mode = "indented";
      return this.accept(character);
    }
    this.#isWholeLine = character === "#" || character === "|";
    this.#beginText();
    this.#inText(character);
  }

  /** Whether the line belongs to an indented block. Its first character after the prefix is known. */
  #isIndentedCode(): boolean {
    const isIndented = /^[ \t]*$/.test(this.#held) && this.#held.replaceAll("\t", "    ").length >= 4;
    return isIndented && this.#isAfterBlank && !this.#isInList;
  }

  /** The line is text. Its prefix may end a span or a list, or start one. */
  #beginText(): void {
    const isItem = LIST_MARKER.test(this.#held);
    if (isItem || this.#isWholeLine) this.#spans.end();
    if (isItem) this.#isInList = true;
    else if (this.#isAfterBlank && !/^[ \t]/.test(this.#held)) this.#isInList = false;
    this.#isAfterBlank = false;
    this.#mode = "text";
    this.#releaseHeld();
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = "";
    for (const each of held) this.#spans.accept(each);
  }

  #inText(character: string): void {
    this.#spans.accept(character);
    if (character !== "\n") return;
    if (this.#isWholeLine) this.#spans.end();
    this.#beginLine();
  }

  #inFenceRun(character: string): void {
    const mark = this.#mark;
    if (character === mark) {
      this.#held += character;
      return;
    }
    if (this.#held.length - this.#prefixLength < 3) {
      this.#beginText();
      return this.#inText(character);
    }
    this.#fence = {
      mark,
      length: this.#held.length - this.#prefixLength,
      isQuoted: this.#held.slice(0, this.#prefixLength).includes(">"),
    };
    this.#mode = "fence-info";
    this.#inFenceInfo(character);
  }

  /** After an opening run of backticks, another backtick in the line makes it a span instead of a fence. */
  #inFenceInfo(character: string): void {
    if (character === "\n") {
      this.#openFence();
      this.#inFence(character);
    } else if (character === "`" && this.#fence.mark === "`") {
      this.#beginText();
      this.#inText(character);
    } else {
      this.#held += character;
    }
  }

  #openFence(): void {
    this.#spans.end();
    for (const each of this.#held) this.#emit(each, true);
    this.#held = "";
    this.#line = "`";
    this.#mode = "fence";
  }

  #inFence(character: string): void {
    if (character === "\n") {
      const isClosed = this.#closes(this.#line);
      this.#emit(character, false);
      this.#line = "";
      if (!isClosed) return;
      this.#isAfterBlank = true;
      this.#beginLine();
      return;
    }
    const isFirst = this.#line.trim() === "" && character !== " " && character !== "\t";
    if (isFirst && this.#fence.isQuoted && character !== ">") {
      this.#beginLine();
      return this.accept(character);
    }
    if (this.#line.length <= MAX_CLOSING_LENGTH) this.#line += character;
    this.#emit(character, true);
  }

  #closes(line: string): boolean {
    const run = /^[ \t>]*([`~]+)[ \t\r]*$/.exec(line)?.[1] ?? "";
    return run.length >= this.#fence.length && run === this.#fence.mark.repeat(run.length);
  }
}
