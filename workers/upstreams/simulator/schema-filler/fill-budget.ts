/**
 * Filling a schema draws from one budget, whichever keyword asks for the work: a client writes a schema of a few KB that
 * would otherwise take hours or more memory than there is. A step is work of constant size (one part of the schema looked
 * at, one character of a pattern read or written, one number tried), a character is one of the value that is made.
 */
import { UnfillableSchemaError } from "./schema.ts";

export const MAX_STEPS = 1_000_000;
export const MAX_CHARACTERS = 1_000_000;

export class FillBudget {
  #steps = 0;
  #characters = 0;

  /** Both in number; the last spending, which was refused, is counted. */
  get spent(): { steps: number; characters: number } {
    return { steps: this.#steps, characters: this.#characters };
  }

  get isExhausted(): boolean {
    return this.#steps > MAX_STEPS || this.#characters > MAX_CHARACTERS;
  }

  /** Comes before the work: what is refused is not done. */
  spendSteps(steps: number): void {
    this.#steps += steps;
    this.#check();
  }

  spendCharacters(characters: number): void {
    this.#characters += characters;
    this.#check();
  }

  /** For work that goes through all of `value`, as comparing does: its parts and its characters. */
  spendOnValue(value: unknown): void {
    const unseen: unknown[] = [value];
    while (unseen.length > 0) {
      const part = unseen.pop();
      this.spendSteps(1 + (typeof part === "string" ? part.length : 0));
      if (typeof part !== "object" || part === null) continue;
      // Names and values of an object; the places of a list are names as well.
      const entries = Object.entries(part);
      this.spendSteps(entries.length);
      for (const [name, inner] of entries) {
        if (!Array.isArray(part)) this.spendSteps(name.length);
        unseen.push(inner);
      }
    }
  }

  #check(): void {
    if (this.isExhausted) throw new UnfillableSchemaError("filling it takes too long.");
  }
}
