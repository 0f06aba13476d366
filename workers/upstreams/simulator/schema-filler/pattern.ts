/**
 * Reads a regular expression (ECMA-262, as JSON Schema asks for) into a tree that strings can be written from. What a
 * string cannot simply be written from is refused by name: look-around, back references, word boundaries, anchors that
 * are not at the ends.
 */
import type { FillBudget } from "./fill-budget.ts";
import { quote, UnfillableSchemaError } from "./schema.ts";

export type PatternNode =
  | { kind: "character"; from: readonly string[] }
  | { kind: "sequence"; nodes: readonly PatternNode[] }
  | { kind: "alternatives"; nodes: readonly PatternNode[] }
  | { kind: "repeat"; node: PatternNode; minimum: number; maximum: number };

export function parsePattern(pattern: string, budget: FillBudget): PatternNode {
  return new PatternParser(pattern, budget).parse();
}

/** Of a range of thousands of characters, the first are enough. */
const RANGE_MAXIMUM = 256;
const PRINTABLE = charactersBetween(0x20, 0x7e);
const DIGITS = charactersBetween(0x30, 0x39);
const LETTERS = [...charactersBetween(0x41, 0x5a), ...charactersBetween(0x61, 0x7a)];
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  D: except(DIGITS),
  w: [...LETTERS, ...DIGITS, "_"],
  W: except([...LETTERS, ...DIGITS, "_"]),
  s: [" "],
  S: except([" "]),
};
const IS_CLASS: ReadonlySet<readonly string[]> = new Set(Object.values(CLASSES));
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", 0: "\0" };
const NESTING_MAXIMUM = 100;

class PatternParser {
  readonly #pattern: string;
  readonly #characters: readonly string[];
  readonly #budget: FillBudget;
  #position = 0;
  #nesting = 0;

  constructor(pattern: string, budget: FillBudget) {
    this.#pattern = pattern;
    this.#budget = budget;
    budget.spend(pattern.length);
    this.#characters = Array.from(pattern);
  }

  parse(): PatternNode {
    const node = this.#alternatives();
    if (this.#next() !== undefined) throw this.#refusal("an unmatched ')'");
    return node;
  }

  #alternatives(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#takes("|")) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "alternatives", nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    const isOutermost = this.#nesting === 0;
    if (isOutermost) this.#takes("^");
    for (let next = this.#next(); next !== undefined && next !== "|" && next !== ")"; next = this.#next()) {
      if (next === "$" && isOutermost && [undefined, "|"].includes(this.#characters[this.#position + 1])) {
        this.#position++;
        break;
      }
      nodes.push(this.#counted(this.#atom()));
    }
    return { kind: "sequence", nodes };
  }

  #atom(): PatternNode {
    const character = this.#take();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "character", from: this.#characterClass() };
      case ".":
        return { kind: "character", from: PRINTABLE };
      case "\\":
        return { kind: "character", from: this.#escape() };
      case "^":
      case "$":
        throw this.#refusal(`'${character}' in the middle`);
      case "*":
      case "+":
      case "?":
        throw this.#refusal(`'${character}' with nothing before it`);
      default:
        return { kind: "character", from: [character] };
    }
  }

  #group(): PatternNode {
    if (this.#takes("?") && !this.#takes(":")) this.#groupName();
    if (++this.#nesting > NESTING_MAXIMUM) throw this.#refusal("groups nested too deeply");
    const node = this.#alternatives();
    this.#nesting--;
    if (!this.#takes(")")) throw this.#refusal("a group without an end");
    return node;
  }

  #groupName(): void {
    const isNamed = this.#takes("<") && /\w/.test(this.#next() ?? "");
    if (!isNamed) throw this.#refusal("look-around or another special group");
    while (!this.#takes(">")) this.#take();
  }

  #counted(node: PatternNode): PatternNode {
    const count = this.#count();
    if (count === undefined) return node;
    // Lazy or greedy, the strings that match are the same.
    this.#takes("?");
    const [minimum, maximum] = count;
    if (minimum > maximum) throw this.#refusal("a count that ends before it begins");
    return { kind: "repeat", node, minimum, maximum };
  }

  #count(): [number, number] | undefined {
    if (this.#takes("*")) return [0, Infinity];
    if (this.#takes("+")) return [1, Infinity];
    if (this.#takes("?")) return [0, 1];
    const rest = this.#characters.slice(this.#position, this.#position + 20).join("");
    const braces = /^\{(\d{1,6})(,?)(\d{0,6})\}/.exec(rest);
    if (braces === null) return undefined;
    this.#position += braces[0].length;
    const minimum = Number(braces[1]);
    if (braces[2] === "") return [minimum, minimum];
    return [minimum, braces[3] === "" ? Infinity : Number(braces[3])];
  }

  #characterClass(): readonly string[] {
    const isNegated = this.#takes("^");
    const members: string[] = [];
    while (!this.#takes("]")) {
      const range = this.#classRange();
      this.#budget.spend(range.length);
      for (const member of range) members.push(member);
    }
    const from = isNegated ? except(members) : members;
    if (from.length === 0) throw this.#refusal("a class that nothing is in");
    return from;
  }

  /** One member of a class, which stands for many if it is a range or a class itself. */
  #classRange(): readonly string[] {
    const first = this.#classMember();
    const isRange = !IS_CLASS.has(first) && this.#next() === "-" && this.#characters[this.#position + 1] !== "]";
    if (!isRange) return first;
    this.#position++;
    const last = this.#classMember();
    if (IS_CLASS.has(last)) throw this.#refusal("a range without an end");
    return charactersBetween(first[0]!.codePointAt(0)!, last[0]!.codePointAt(0)!);
  }

  #classMember(): readonly string[] {
    const character = this.#take();
    if (character !== "\\") return [character];
    if (this.#takes("b")) return ["\b"];
    return this.#escape();
  }

  /** What may stand for the escape whose backslash was just read. */
  #escape(): readonly string[] {
    const character = this.#take();
    const known = CLASSES[character] ?? (CONTROLS[character] === undefined ? undefined : [CONTROLS[character]]);
    if (known !== undefined) return known;
    if (character === "x") return [this.#hexCharacter(2)];
    if (character === "u") return [this.#hexCharacter(4)];
    if (/[A-Za-z0-9]/.test(character)) throw this.#refusal(`'\\${character}'`);
    return [character];
  }

  #hexCharacter(digits: number): string {
    const hex = this.#characters.slice(this.#position, this.#position + digits).join("");
    if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex)) throw this.#refusal("an escape without its digits");
    this.#position += digits;
    return String.fromCodePoint(Number.parseInt(hex, 16));
  }

  #next(): string | undefined {
    return this.#characters[this.#position];
  }

  #take(): string {
    this.#budget.spend(1);
    const character = this.#characters[this.#position++];
    if (character === undefined) throw this.#refusal("an end that comes too soon");
    return character;
  }

  #takes(wanted: string): boolean {
    if (this.#next() !== wanted) return false;
    this.#position++;
    return true;
  }

  #refusal(what: string): UnfillableSchemaError {
    return new UnfillableSchemaError(`the pattern ${quote(this.#pattern)} has ${what}, which is not supported.`);
  }
}

function charactersBetween(first: number, last: number): string[] {
  const length = Math.max(0, Math.min(last - first + 1, RANGE_MAXIMUM));
  return Array.from({ length }, (_, offset) => String.fromCodePoint(first + offset));
}

function except(members: readonly string[]): string[] {
  const left = new Set(PRINTABLE);
  for (const member of members) left.delete(member);
  return [...left];
}
