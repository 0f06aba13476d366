/**
 * JSON, read by the piece: what `JSON.parse` makes of the bytes, or its refusal, but in steps as short as whoever reads
 * wants them. JSON.parse holds everything up until it is done, and objects whose names differ cost it a hundred times what
 * others do. Bounds are looked at in the bytes, before anything is built from them.
 */
import { randomUUID } from "node:crypto";

/** Bounds of what is read. Each is compared before anything is built that exceeds it. */
export interface JsonLimits {
  /** Levels of lists and objects inside each other. */
  depth: number;
  /** Fields of one object. */
  fields: number;
  /** Values, and names of fields, in all. */
  values: number;
}

/** Why a text was not read: it is not JSON in UTF-8, or exceeds a bound. */
export class JsonReadError extends Error {
  override readonly name = "JsonReadError";
  readonly reason: "malformed" | keyof JsonLimits;

  constructor(reason: JsonReadError["reason"]) {
    super(reason === "malformed" ? "This is not JSON in UTF-8." : `The JSON exceeds the bound of its ${reason}.`);
    this.reason = reason;
  }
}

/** Some milliseconds of JSON.parse at the worst. A body with fewer values is parsed in one piece. */
const PIECE_VALUES = 2_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Pieces begin anywhere, and only the first may begin with a byte order mark. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/** No text has this name: it keeps the place of a member that is elsewhere. */
const PLACEHOLDER_NAME = randomUUID();

/** What a piece stands between. Whatever is there besides is put in so that the piece is JSON exactly if the whole is. */
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

/** A list or an object that is put together from pieces. All that it stands in are, too. */
interface UnfinishedContainer {
  container: unknown[] | Record<string, unknown>;
  /** Where what is not parsed yet begins, and behind what. */
  parsedTo: number;
  before: Before;
}

/** By depth: where a list or an object begins, the string before it, which is its name if it has one, and its fields. */
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
  /** For this depth or more. Of a reader that is done, to be used again: for a small body they cost more than all the rest. */
  levels?: NestingLevels;
}

export class JsonReader {
  /** Whatever begins a list or an object, or stands before a comma or a colon: values, and the names of fields. */
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
  /** Of a body in pieces, once it is closed. */
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
    // Every other level is set when it is opened.
    this.#fields[0] = 0;
  }

  get values(): number {
    return this.#values;
  }

  /** Reads so many bytes more, or a piece. True at the end. */
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

  /** After the end. */
  value(): unknown {
    if (this.#whole === undefined) {
      if (this.#unfinished.length > 0) throw new JsonReadError("malformed");
      return this.#parse("", 0, this.#bytes.length, "");
    }
    // Blanks, and nothing else.
    this.#parse("", 0, this.#starts[1]!, "[]");
    this.#parse("[]", this.#whole.end, this.#bytes.length, "");
    return this.#whole.value;
  }

  #readByte(byte: number, place: number): void {
    if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#closeContainer(byte, place);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.#openContainer(place);
    else if (byte === COMMA) {
      this.#countValue();
      if (this.#values - this.#parsedValues > this.#pieceValues && this.#depth > 0) this.#parsePiece(place);
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

  #openContainer(place: number): void {
    this.#countValue();
    // Something stands behind the end.
    if (this.#whole !== undefined) throw new JsonReadError("malformed");
    this.#depth += 1;
    if (this.#depth > this.#limits.depth) throw new JsonReadError("depth");
    this.#starts[this.#depth] = place;
    this.#fields[this.#depth] = 0;
    this.#nameStarts[this.#depth] = this.#stringFrom;
    this.#nameEnds[this.#depth] = this.#stringTo;
  }

  #closeContainer(byte: number, place: number): void {
    if (this.#depth === 0) throw new JsonReadError("malformed");
    if (this.#unfinished.length === this.#depth) this.#finish(byte, place);
    this.#depth -= 1;
  }

  #finish(byte: number, place: number): void {
    const last = this.#unfinished.pop()!;
    if (Array.isArray(last.container) !== (byte === CLOSE_LIST)) throw new JsonReadError("malformed");
    this.#parseInto(last, place, "closing");
    this.#parsedValues = this.#values;
    const parent = this.#unfinished.at(-1);
    if (parent === undefined) this.#whole = { value: last.container, end: place + 1 };
    else Object.assign(parent, { parsedTo: place + 1, before: "child" } satisfies Partial<UnfinishedContainer>);
  }

  /** Up to a comma. Whatever is open there is put together from pieces from now on. */
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

/** As JSON.parse does: an own property also if it is called `__proto__`. */
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
