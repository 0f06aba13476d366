/**
 * Reads one string out of JSON that is still being written: the code of a call, which clients see as it arrives. All
 * pieces together equal the value that `JSON.parse` returns. If several members have the name, the first counts, since
 * clients have already seen it.
 */

type StringRole = "key" | "wanted" | "other";

const ESCAPED: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const HEX_DIGITS = 4;
/** Maximum characters of a name that are stored. The wanted name is shorter. */
const MAX_KEY_LENGTH = 256;

export class JsonStringReader {
  readonly #name: string;
  #depth = 0;
  /** Between members of the outermost object, where a string is a name. */
  #isNameNext = false;
  #key = "";
  /** The role of the current string. */
  #role: StringRole | undefined;
  /** The escape sequence after a backslash, as far as it has arrived. */
  #escape: string | undefined;
  #isFound = false;
  #text = "";
  /** The first half of a surrogate pair, until its second half arrives. UTF-8 cannot encode a half. */
  #highSurrogate = "";

  constructor(name: string) {
    this.#name = name;
  }

  /** Returns what the piece adds to the string. */
  push(json: string): string {
    const from = this.#text.length;
    for (let i = 0; i < json.length; i++) this.#read(json[i]!);
    return this.#text.slice(from);
  }

  /** Returns an unfinished surrogate half, once the JSON has ended. */
  end(): string {
    const rest = this.#highSurrogate;
    this.#text += rest;
    this.#highSurrogate = "";
    return rest;
  }

  /** The whole string so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether the object has a string under the name. */
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
