/**
 * Reasoning that a server leaves in the text, between `<think>` and `</think>`, as the SDK's reasoning parts. Only at the
 * beginning of the text: a model may well write of such tags later.
 *
 * | the text                              | is                                                                     |
 * | ------------------------------------- | ---------------------------------------------------------------------- |
 * | `<think>a</think>b`                   | reasoning a, text b; the whitespace around both is left out            |
 * | `<think></think>b`                    | text b                                                                 |
 * | `<think>a`, and the end               | reasoning a: the model was stopped before its answer                   |
 * | `<think><think>a</think>b`            | reasoning a: some templates write the first tag, and the model another |
 * | `<think>a<think>b</think>c</think>d`  | reasoning up to the last tag, if that follows soon                     |
 * | `a<think>b</think>c`                  | text                                                                   |
 * | `a</think>b`, with `opened`           | reasoning a, text b                                                    |
 *
 * The SDK's `extractReasoningMiddleware` looks for tags anywhere in the text, and is a part of `ai`, which has all that this
 * server does itself.
 */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";

type Part = LanguageModelV4StreamPart;

const TAGS = [
  ["<think>", "</think>"],
  // Magistral's, where a server does not read them.
  ["[THINK]", "[/THINK]"],
] as const;
const REASONING_ID = "think";
/** How far behind a closing tag another one may be for the first to have been a nested one. */
const MAX_NESTED_CHARACTERS = 2_000;
/** Whitespace that is waited with until a word comes. */
const MAX_BLANK_CHARACTERS = 1_000;

type ParserState =
  /** Nothing but whitespace, or the beginning of a tag. */
  | "beginning"
  | "thinking"
  /** After a closing tag that may be a nested one's. */
  | "between"
  /** After the last closing tag, before the first word. */
  | "answering"
  | "passing";

export class ThinkTagParser {
  #state: ParserState;
  #open: string = TAGS[0][0];
  #close: string = TAGS[0][1];
  /** Text that is not told yet. */
  #text = "";
  /** Parts that wait for it to be known, in their order. */
  #held: Part[] = [];
  #hasThought = false;
  #isNested = false;

  constructor(mode: VendorTraits["think_tags"]) {
    this.#state = mode === "none" ? "passing" : mode === "opened" ? "thinking" : "beginning";
  }

  *read(part: Part): Generator<Part> {
    if (this.#state === "passing") {
      if (part.type !== "finish") yield part;
      return;
    }
    switch (part.type) {
      case "text-delta":
        this.#text += part.delta;
        if (this.#state === "beginning") this.#held.push(part);
        return yield* this.#advance(part.id);
      // Those of a text are not known yet to be its.
      case "text-start":
      case "text-end":
        return;
      case "raw":
        // It says something of the words that come right after it.
        if (this.#state === "beginning" && this.#text !== "") this.#held.push(part);
        else yield part;
        return;
      case "tool-input-start":
      case "tool-call":
      case "reasoning-start":
        yield* this.#end();
        yield part;
        return;
      case "finish":
        return yield* this.#end();
      default:
        yield part;
    }
  }

  *#advance(id: string): Generator<Part> {
    if (this.#state === "beginning") yield* this.#parseBeginning();
    if (this.#state === "thinking") yield* this.#parseReasoning();
    if (this.#state === "between") yield* this.#parseNestedEnd();
    if (this.#state === "answering") yield* this.#startAnswer(id);
  }

  *#parseBeginning(): Generator<Part> {
    const text = this.#text.trimStart();
    const tag = TAGS.find(([open]) => text.startsWith(open));
    if (tag !== undefined) {
      [this.#open, this.#close] = tag;
      yield* this.#held.filter(({ type }) => type === "raw");
      this.#held = [];
      this.#text = text.slice(this.#open.length);
      this.#state = "thinking";
    } else if (!TAGS.some(([open]) => open.startsWith(text)) || this.#text.length > MAX_BLANK_CHARACTERS) {
      yield* this.#startPassing();
    }
  }

  *#parseReasoning(): Generator<Part> {
    if (!this.#hasThought) {
      this.#text = this.#text.trimStart();
      // Another opening tag before the first word is the same one again.
      while (this.#text.startsWith(this.#open)) this.#text = this.#text.slice(this.#open.length).trimStart();
      if (this.#open.startsWith(this.#text)) return;
    }
    const end = this.#text.indexOf(this.#close);
    const thought = end < 0 ? this.#text : this.#text.slice(0, end);
    this.#isNested ||= thought.includes(this.#open);
    if (end >= 0) {
      yield* this.#emitReasoning(thought.trimEnd());
      this.#text = this.#text.slice(end + this.#close.length);
      this.#state = this.#isNested ? "between" : "answering";
      if (this.#state === "answering") yield* this.#endReasoning();
      return;
    }
    // Whitespace may be the last of it, a beginning may be a tag's.
    const kept = Math.max(partialTagLength(thought, this.#close), partialTagLength(thought, this.#open));
    const known = thought.slice(0, thought.length - kept);
    const words = known.trimEnd();
    const told = known.length - words.length > MAX_BLANK_CHARACTERS ? known : words;
    this.#text = this.#text.slice(told.length);
    yield* this.#emitReasoning(told);
  }

  /** A closing tag that follows soon closes the tag that was nested in. */
  *#parseNestedEnd(isOver = false): Generator<Part> {
    const end = this.#text.indexOf(this.#close);
    if (end >= 0) {
      yield* this.#emitReasoning(`${this.#close}${this.#text.slice(0, end)}`.trimEnd());
      this.#text = this.#text.slice(end + this.#close.length);
    } else if (!isOver && this.#text.length < MAX_NESTED_CHARACTERS) return;
    yield* this.#endReasoning();
    this.#state = "answering";
  }

  *#startAnswer(id: string): Generator<Part> {
    const text = this.#text.trimStart();
    this.#text = "";
    if (text === "") return;
    this.#state = "passing";
    yield { type: "text-start", id };
    yield { type: "text-delta", id, delta: text };
  }

  *#emitReasoning(text: string): Generator<Part> {
    if (text === "") return;
    if (!this.#hasThought) yield { type: "reasoning-start", id: REASONING_ID };
    this.#hasThought = true;
    yield { type: "reasoning-delta", id: REASONING_ID, delta: text };
  }

  *#endReasoning(): Generator<Part> {
    if (this.#hasThought) yield { type: "reasoning-end", id: REASONING_ID };
  }

  /** The text is over, or something else begins. */
  *#end(): Generator<Part> {
    if (this.#state === "beginning") yield* this.#startPassing();
    if (this.#state === "thinking") {
      yield* this.#emitReasoning(this.#text.trimEnd());
      this.#text = "";
      yield* this.#endReasoning();
    }
    if (this.#state === "between") yield* this.#parseNestedEnd(true);
    if (this.#state === "answering") yield* this.#startAnswer("0");
    this.#state = "passing";
  }

  *#startPassing(): Generator<Part> {
    this.#state = "passing";
    const held = this.#held;
    this.#held = [];
    this.#text = "";
    yield* held;
  }
}

/** How much of the text's end may be the beginning of the tag. */
function partialTagLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
