/**
 * Reads JSON in steps of any size, with the result or error that `JSON.parse` would give. JSON.parse blocks the process
 * until it is done, and objects with many different names cost it a hundred times more than others. Limits are checked
 * on the bytes, before anything is built from them.
 */
import { randomUUID } from "node:crypto";
import { type JsonLimits, JsonReadError } from "./json-limits.ts";

/** At most a few milliseconds of JSON.parse. A body with fewer values is parsed in one piece. */
const PIECE_VALUES = 2_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Pieces start anywhere, and only the first may start with a byte order mark. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/** A name that no text contains. A placeholder for a member that is assembled separately. */
const PLACEHOLDER_NAME = randomUUID();

/** The token before a piece. Tokens added around the piece make it valid JSON exactly if the whole text is. */
type Before = "opening" | "comma" | "child";
type After = "closing" | "comma" | "child";
const LIST = {
  before: { opening: "[", comma: "[[],", child: "[[]" },
  after: { closing: "]", comma: "]", child: "[]]" },
};
const OBJECT = {
  before: { opening: "{", comma: `{"${PLACEHOLDER_NAME}":[],`, child: `{"${PLACEHOLDER_NAME}":[]` },
  after: { closing: "}", comma: "}", child: "[]}" },
};

/** An array or object that is assembled from pieces. Its ancestors are assembled from pieces too. */
interface UnfinishedContainer {
  container: unknown[] | Record<string, unknown>;
  /** The end of the parsed part, and the token before the rest. */
  parsedTo: number;
  before: Before;
}

/**
 * For each depth: the start of an array or object, the string before it (its name, if it has one), and its number of
 * fields.
 */
export interface NestingLevels {
  starts: Uint32Array;
  nameStarts: Uint32Array;
  nameEnds: Uint32Array;
  fields: Uint32Array;
}

export function createLevels(depth: number): NestingLevels {
  const list = (): Uint32Array => new Uint32Array(depth + 1);
  return { starts: list(), nameStarts: list(), nameEnds: list(), fields: list() };
}

interface ReaderOptions {
  limits: JsonLimits;
  pieceValues?: number;
  /**
   * For at least this depth. Reuses the levels of a finished reader, because allocating them would dominate the cost of
   * a small body.
   */
  levels?: NestingLevels;
}

export class JsonReader {
  /** Counts everything that opens an array or object or precedes a comma or colon: values and field names. */
  #values = 1;
  #parsedValues = 0;
  #next = 0;
  #isInString = false;
  #stringFrom = 0;
  #stringTo = 0;
  #depth = 0;
  readonly #starts: Uint32Array;
  readonly #nameStarts: Uint32Array;
  readonly #nameEnds: Uint32Array;
  readonly #fields: Uint32Array;
  readonly #unfinished: UnfinishedContainer[] = [];
  /** The assembled body, once it is closed. */
  #whole: { value: unknown; end: number } | undefined;
  readonly #bytes: Buffer;
  readonly #limits: JsonLimits;
  readonly #pieceValues: number;

  constructor(
    bytes: Buffer,
    { limits, pieceValues = PIECE_VALUES, levels = createLevels(limits.depth) }: ReaderOptions,
  ) {
    const isMarked = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    this.#bytes = isMarked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
    this.#limits = limits;
    this.#pieceValues = pieceValues;
    this.#starts = levels.starts;
    this.#nameStarts = levels.nameStarts;
    this.#nameEnds = levels.nameEnds;
    this.#fields = levels.fields;
    // Deeper levels are initialized when they open.
    this.#fields[0] = 0;
  }

  get values(): number {
    return this.#values;
  }

  /** Reads at most `count` more bytes. Returns true at the end. */
  read(count: number): boolean {
    const bytes = this.#bytes;
    const end = Math.min(bytes.length, this.#next + count);
    const parsedBefore = this.#parsedValues;
    let isInString = this.#isInString;
    let i = this.#next;
    for (; i < end && this.#parsedValues === parsedBefore; i += 1) {
      const byte = bytes[i]!;
      if (isInString) {
        if (byte === BACKSLASH) i += 1;
        else if (byte === QUOTE) {
          isInString = false;
          this.#stringTo = i + 1;
        }
      } else if (byte === QUOTE) {
        isInString = true;
        this.#stringFrom = i;
      } else if (byte >= COMMA) this.#readByte(byte, i);
    }
    this.#isInString = isInString;
    this.#next = i;
    return i >= bytes.length;
  }

  /** Valid after the end. */
  value(): unknown {
    if (this.#whole === undefined) {
      if (this.#unfinished.length > 0) throw new JsonReadError("malformed");
      return this.#parse("", 0, this.#bytes.length, "");
    }
    // Whitespace only.
    this.#parse("", 0, this.#starts[1]!, "[]");
    this.#parse("[]", this.#whole.end, this.#bytes.length, "");
    return this.#whole.value;
  }

  #readByte(byte: number, position: number): void {
    if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#closeContainer(byte, position);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.#openContainer(position);
    else if (byte === COMMA) {
      this.#countValue();
      if (this.#values - this.#parsedValues > this.#pieceValues && this.#depth > 0) this.#parsePiece(position);
    } else if (byte === COLON) {
      this.#countValue();
      this.#fields[this.#depth]! += 1;
      if (this.#fields[this.#depth]! > this.#limits.fields) throw new JsonReadError("fields");
    }
  }

  #countValue(): void {
    this.#values += 1;
    if (this.#values > this.#limits.values) throw new JsonReadError("values");
  }

  #openContainer(position: number): void {
    this.#countValue();
    // Extra tokens after the end.
    if (this.#whole !== undefined) throw new JsonReadError("malformed");
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) throw new JsonReadError("depth");
    this.#starts[this.#depth] = position;
    this.#fields[this.#depth] = 0;
    this.#nameStarts[this.#depth] = this.#stringFrom;
    this.#nameEnds[this.#depth] = this.#stringTo;
  }

  #closeContainer(byte: number, position: number): void {
    if (this.#depth === 0) throw new JsonReadError("malformed");
    if (this.#unfinished.length === this.#depth) this.#finish(byte, position);
    this.#depth -= 1;
  }

  #finish(byte: number, position: number): void {
    const last = this.#unfinished.pop()!;
    if (Array.isArray(last.container) !== (byte === CLOSE_LIST)) throw new JsonReadError("malformed");
    this.#parseInto(last, position, "closing");
    this.#parsedValues = this.#values;
    const parent = this.#unfinished.at(-1);
    if (parent === undefined) this.#whole = { value: last.container, end: position + 1 };
    else Object.assign(parent, { parsedTo: position + 1, before: "child" } satisfies Partial<UnfinishedContainer>);
  }

  /** Parses up to a comma. Containers that are open here are assembled from pieces from now on. */
  #parsePiece(comma: number): void {
    for (let depth = this.#unfinished.length + 1; depth <= this.#depth; depth += 1) {
      const start = this.#starts[depth]!;
      const container = this.#bytes[start] === OPEN_LIST ? [] : {};
      const parent = this.#unfinished.at(-1);
      if (parent !== undefined) {
        this.#parseInto(parent, start, "child");
        if (Array.isArray(parent.container)) parent.container.push(container);
        else define(parent.container, String(this.#nameAt(depth)), container);
      }
      this.#unfinished.push({ container, parsedTo: start + 1, before: "opening" });
    }
    const last = this.#unfinished.at(-1)!;
    this.#parseInto(last, comma, "comma");
    Object.assign(last, { parsedTo: comma + 1, before: "comma" } satisfies Partial<UnfinishedContainer>);
    this.#parsedValues = this.#values;
  }

  #nameAt(depth: number): unknown {
    return this.#parse("", this.#nameStarts[depth]!, this.#nameEnds[depth]!, "");
  }

  #parseInto({ container, parsedTo, before }: UnfinishedContainer, to: number, after: After): void {
    const marks = Array.isArray(container) ? LIST : OBJECT;
    const piece = this.#parse(marks.before[before], parsedTo, to, marks.after[after]);
    if (before === "opening" && after === "comma" && Object.keys(piece as object).length === 0)
      throw new JsonReadError("malformed");
    if (Array.isArray(container)) {
      const values = piece as unknown[];
      const end = after === "child" ? values.length - 1 : values.length;
      for (let i = before === "opening" ? 0 : 1; i < end; i += 1) container.push(values[i]);
    } else {
      for (const [name, value] of Object.entries(piece as object)) {
        if (name !== PLACEHOLDER_NAME) define(container, name, value);
      }
    }
  }

  #parse(before: string, from: number, to: number, after: string): unknown {
    try {
      return JSON.parse(before + utf8.decode(this.#bytes.subarray(from, to)) + after);
    } catch {
      throw new JsonReadError("malformed");
    }
  }
}

/** Like JSON.parse, creates an own property even for `__proto__`. */
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
