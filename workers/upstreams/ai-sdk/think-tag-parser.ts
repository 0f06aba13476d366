/**
 * Extracts reasoning that a server leaves in the text, between `<think>` and `</think>`, as the SDK's reasoning parts. Only
 * tags at the beginning of the text count: a model may write about such tags later.
 *
 * | text                                  | result                                                                 |
 * | ------------------------------------- | ---------------------------------------------------------------------- |
 * | `<think>a</think>b`                   | reasoning a, text b; the whitespace around both is dropped             |
 * | `<think></think>b`                    | text b                                                                 |
 * | `<think>a`, and the end               | reasoning a: the model was stopped before its answer                   |
 * | `<think><think>a</think>b`            | reasoning a, text b: a template and the model both wrote a tag         |
 * | `<think>a<think>b</think>c</think>d`  | reasoning up to the last tag, if it follows soon                       |
 * | `a<think>b</think>c`                  | text                                                                   |
 * | `a</think>b`, with `opened`           | reasoning a, text b                                                    |
 *
 * The SDK's `extractReasoningMiddleware` finds tags anywhere in the text, and belongs to the `ai` package, which
 * is only a development dependency.
 */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";

type Part = LanguageModelV4StreamPart;

const TAGS = [
  ["<think>", "</think>"],
  // Magistral's tags, on servers that do not parse them.
  ["[THINK]", "[/THINK]"],
] as const;
const REASONING_ID = "think";
/** Maximum distance to another closing tag for the first one to count as nested. */
const MAX_NESTED_CHARACTERS = 2_000;
/** Maximum whitespace to hold back until text follows. */
const MAX_BLANK_CHARACTERS = 1_000;

type ParserState =
  /** Only whitespace or an incomplete tag so far. */
  | "beginning"
  | "thinking"
  /** After a closing tag that may be nested. */
  | "between"
  /** After the last closing tag, before the first word. */
  | "answering"
  | "passing";

export class ThinkTagParser {
  #state: ParserState;
  #open: string = TAGS[0][0];
  #close: string = TAGS[0][1];
  /** Text that has not been emitted. */
  #text = "";
  /** Parts held back until the beginning is parsed, in order. */
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
      // Emitted together with the text, once it is known to be text.
      case "text-start":
      case "text-end":
        return;
      case "raw":
        // A chunk describes the text right after it.
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
      // A repeated opening tag before the first word.
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
    // Hold back trailing whitespace and a possible start of a tag.
    const partial = Math.max(partialTagLength(thought, this.#close), partialTagLength(thought, this.#open));
    const known = thought.slice(0, thought.length - partial);
    const words = known.trimEnd();
    const emitted = known.length - words.length > MAX_BLANK_CHARACTERS ? known : words;
    this.#text = this.#text.slice(emitted.length);
    yield* this.#emitReasoning(emitted);
  }

  /** A closing tag that follows soon ends the reasoning; the previous one was nested. */
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

  /** The text has ended, or another part starts. */
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

/** Length of the text's end that may be the start of the tag. */
function partialTagLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
