/**
 * Parses a regular expression (ECMA-262, as JSON Schema requires) into a tree from which strings can be written. It rejects
 * features that do not allow this: look-around, back references, word boundaries, anchors that are not at the ends.
 */
import type { FillBudget } from "./fill-budget.ts";
import { quote } from "./schema.ts";
import { UnfillableSchemaError } from "./unfillable-schema-error.ts";

export type PatternNode =
  | { kind: "character"; from: readonly string[] }
  | { kind: "sequence"; nodes: readonly PatternNode[] }
  | { kind: "alternatives"; nodes: readonly PatternNode[] }
  | { kind: "repeat"; node: PatternNode; minimum: number; maximum: number };

export function parsePattern(pattern: string, budget: FillBudget): PatternNode {
  return new PatternParser(pattern, budget).parse();
}

/** A range of thousands of characters is reduced to the first ones. */
const MAX_RANGE = 256;
const PRINTABLE = charactersBetween(0x20, 0x7e);
const DIGITS = charactersBetween(0x30, 0x39);
const LETTERS = [...charactersBetween(0x41, 0x5a), ...charactersBetween(0x61, 0x7a)];
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  D: printableExcept(DIGITS),
  w: [...LETTERS, ...DIGITS, "_"],
  W: printableExcept([...LETTERS, ...DIGITS, "_"]),
  s: [" "],
  S: printableExcept([" "]),
};
const CLASS_MEMBERS: ReadonlySet<readonly string[]> = new Set(Object.values(CLASSES));
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", 0: "\0" };
const MAX_NESTING = 100;

class PatternParser {
  readonly #pattern: string;
  readonly #characters: readonly string[];
  readonly #budget: FillBudget;
  #position = 0;
  #nesting = 0;

  constructor(pattern: string, budget: FillBudget) {
    this.#pattern = pattern;
    this.#budget = budget;
    budget.spendSteps(pattern.length);
    this.#characters = Array.from(pattern);
  }

  parse(): PatternNode {
    const node = this.#alternatives();
    if (this.#peek() !== undefined) throw this.#unsupportedError("an unmatched ')'");
    return node;
  }

  #alternatives(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#takeIf("|")) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "alternatives", nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    const isOutermost = this.#nesting === 0;
    if (isOutermost) this.#takeIf("^");
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      if (next === "$" && isOutermost && [undefined, "|"].includes(this.#characters[this.#position + 1])) {
        this.#position++;
        break;
      }
      nodes.push(this.#withCount(this.#atom()));
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
        throw this.#unsupportedError(`'${character}' in the middle`);
      case "*":
      case "+":
      case "?":
        throw this.#unsupportedError(`'${character}' without an operand`);
      default:
        return { kind: "character", from: [character] };
    }
  }

  #group(): PatternNode {
    if (this.#takeIf("?") && !this.#takeIf(":")) this.#groupName();
    if (++this.#nesting > MAX_NESTING) throw this.#unsupportedError("groups nested too deeply");
    const node = this.#alternatives();
    this.#nesting--;
    if (!this.#takeIf(")")) throw this.#unsupportedError("an unmatched '('");
    return node;
  }

  #groupName(): void {
    const isNamed = this.#takeIf("<") && /\w/.test(this.#peek() ?? "");
    if (!isNamed) throw this.#unsupportedError("look-around or another special group");
    while (!this.#takeIf(">")) this.#take();
  }

  #withCount(node: PatternNode): PatternNode {
    const count = this.#count();
    if (count === undefined) return node;
    // Lazy and greedy counts match the same strings.
    this.#takeIf("?");
    const [minimum, maximum] = count;
    if (minimum > maximum) throw this.#unsupportedError("a count whose minimum exceeds its maximum");
    return { kind: "repeat", node, minimum, maximum };
  }

  #count(): [number, number] | undefined {
    if (this.#takeIf("*")) return [0, Infinity];
    if (this.#takeIf("+")) return [1, Infinity];
    if (this.#takeIf("?")) return [0, 1];
    const rest = this.#characters.slice(this.#position, this.#position + 20).join("");
    const braces = /^\{(\d{1,6})(,?)(\d{0,6})\}/.exec(rest);
    if (braces === null) return undefined;
    this.#position += braces[0].length;
    const minimum = Number(braces[1]);
    if (braces[2] === "") return [minimum, minimum];
    return [minimum, braces[3] === "" ? Infinity : Number(braces[3])];
  }

  #characterClass(): readonly string[] {
    const isNegated = this.#takeIf("^");
    const members: string[] = [];
    while (!this.#takeIf("]")) {
      const range = this.#classRange();
      this.#budget.spendSteps(range.length);
      for (const member of range) members.push(member);
    }
    const from = isNegated ? printableExcept(members) : members;
    if (from.length === 0) throw this.#unsupportedError("an empty character class");
    return from;
  }

  /** One member of a class: a character, a range or another class. */
  #classRange(): readonly string[] {
    const first = this.#classMember();
    const isRange = !CLASS_MEMBERS.has(first) && this.#peek() === "-" && this.#characters[this.#position + 1] !== "]";
    if (!isRange) return first;
    this.#position++;
    const last = this.#classMember();
    if (CLASS_MEMBERS.has(last)) throw this.#unsupportedError("an incomplete range");
    return charactersBetween(first[0]!.codePointAt(0)!, last[0]!.codePointAt(0)!);
  }

  #classMember(): readonly string[] {
    const character = this.#take();
    if (character !== "\\") return [character];
    if (this.#takeIf("b")) return ["\b"];
    return this.#escape();
  }

  /** The characters of the escape whose backslash was just read. */
  #escape(): readonly string[] {
    const character = this.#take();
    const characterClass =
      CLASSES[character] ?? (CONTROLS[character] === undefined ? undefined : [CONTROLS[character]]);
    if (characterClass !== undefined) return characterClass;
    if (character === "x") return [this.#hexCharacter(2)];
    if (character === "u") return [this.#hexCharacter(4)];
    if (/[A-Za-z0-9]/.test(character)) throw this.#unsupportedError(`'\\${character}'`);
    return [character];
  }

  #hexCharacter(digits: number): string {
    const hex = this.#characters.slice(this.#position, this.#position + digits).join("");
    if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex)) throw this.#unsupportedError("an incomplete escape");
    this.#position += digits;
    return String.fromCodePoint(Number.parseInt(hex, 16));
  }

  #peek(): string | undefined {
    return this.#characters[this.#position];
  }

  #take(): string {
    this.#budget.spendSteps(1);
    const character = this.#characters[this.#position++];
    if (character === undefined) throw this.#unsupportedError("an unexpected end");
    return character;
  }

  #takeIf(expected: string): boolean {
    if (this.#peek() !== expected) return false;
    this.#position++;
    return true;
  }

  #unsupportedError(feature: string): UnfillableSchemaError {
    return new UnfillableSchemaError(`the pattern ${quote(this.#pattern)} has ${feature}, which is not supported.`);
  }
}

function charactersBetween(first: number, last: number): string[] {
  const length = Math.max(0, Math.min(last - first + 1, MAX_RANGE));
  return Array.from({ length }, (_, offset) => String.fromCodePoint(first + offset));
}

function printableExcept(members: readonly string[]): string[] {
  const left = new Set(PRINTABLE);
  for (const member of members) left.delete(member);
  return [...left];
}
