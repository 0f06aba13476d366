/**
 * Reads one string out of an object's JSON while the JSON is still being written: the code of a call, which clients are
 * shown as it comes. Cut anywhere, the pieces are together what `JSON.parse` makes of the whole. Of members with the same
 * name the first counts, since it has been shown when the second comes.
 */

type StringRole = "key" | "wanted" | "other";

const ESCAPED: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const HEX_DIGITS = 4;
/** No name that is looked for is as long: what is kept of a name has a bound. */
const MAX_KEY_LENGTH = 256;

export class JsonStringReader {
  readonly #name: string;
  #depth = 0;
  /** Between members of the outermost object, where a string is a name. */
  #isNameNext = false;
  #key = "";
  /** In a string: which. */
  #role: StringRole | undefined;
  /** After a backslash: what has come of the escape. */
  #escape: string | undefined;
  #isFound = false;
  #text = "";
  /** The first half of a character whose second half has not come. A half cannot be sent as UTF-8. */
  #highSurrogate = "";

  constructor(name: string) {
    this.#name = name;
  }

  /** What the piece adds to the string. */
  push(json: string): string {
    const from = this.#text.length;
    for (let i = 0; i < json.length; i++) this.#read(json[i]!);
    return this.#text.slice(from);
  }

  /** What was held back, once nothing more comes: the half of a character, as the JSON had it. */
  end(): string {
    const rest = this.#highSurrogate;
    this.#text += rest;
    this.#highSurrogate = "";
    return rest;
  }

  /** All that was read. */
  get text(): string {
    return this.#text;
  }

  /** Whether the object has had a string under the name. */
  get isFound(): boolean {
    return this.#isFound;
  }

  #read(char: string): void {
    if (this.#escape !== undefined) this.#readEscape(char);
    else if (this.#role === undefined) this.#readStructure(char);
    else if (char === "\\") this.#escape = "";
    else if (char === '"') this.#endString();
    else this.#add(char);
  }

  #readStructure(char: string): void {
    switch (char) {
      case '"':
        return this.#beginString();
      case "{":
      case "[":
        this.#depth += 1;
        this.#isNameNext = this.#depth === 1 && char === "{";
        this.#key = "";
        return;
      case "}":
      case "]":
        this.#depth -= 1;
        return;
      case ",":
        this.#isNameNext = true;
        this.#key = "";
        return;
      default:
    }
  }

  #beginString(): void {
    if (this.#depth !== 1) this.#role = "other";
    else if (this.#isNameNext) this.#role = "key";
    else this.#role = this.#key === this.#name && !this.#isFound ? "wanted" : "other";
  }

  #endString(): void {
    if (this.#role === "wanted") {
      this.#isFound = true;
      this.end();
    }
    this.#isNameNext = false;
    this.#role = undefined;
  }

  #readEscape(char: string): void {
    this.#escape += char;
    if (this.#escape![0] !== "u") {
      this.#escape = undefined;
      return this.#add(ESCAPED[char] ?? char);
    }
    if (this.#escape!.length <= HEX_DIGITS) return;
    const code = Number.parseInt(this.#escape!.slice(1), 16);
    this.#escape = undefined;
    this.#add(String.fromCharCode(code));
  }

  #add(char: string): void {
    if (this.#role === "key" && this.#key.length < MAX_KEY_LENGTH) this.#key += char;
    if (this.#role !== "wanted") return;
    const isFirstHalf = char >= "\uD800" && char <= "\uDBFF";
    const whole = this.#highSurrogate + (isFirstHalf ? "" : char);
    this.#highSurrogate = isFirstHalf ? char : "";
    this.#text += whole;
  }
}
