/**
 * Limits the work of filling schemas. A client can write a schema of a few KB that would take hours, or more memory than
 * there is. A step is work of constant size: one part of a schema visited, one character of a pattern read or written, one
 * number tried. A character is one character of the value.
 */
import { UnfillableSchemaError } from "./schema.ts";

export const MAX_STEPS = 1_000_000;
export const MAX_CHARACTERS = 1_000_000;

export class FillBudget {
  #steps = 0;
  #characters = 0;

  /** Steps and characters spent so far, including a last spending that exceeded the budget. */
  get spent(): { steps: number; characters: number } {
    return { steps: this.#steps, characters: this.#characters };
  }

  get isExhausted(): boolean {
    return this.#steps > MAX_STEPS || this.#characters > MAX_CHARACTERS;
  }

  /** Call it before the work, so that work beyond the budget is not done. */
  spendSteps(steps: number): void {
    this.#steps += steps;
    this.#check();
  }

  spendCharacters(characters: number): void {
    this.#characters += characters;
    this.#check();
  }

  /** Spends a step per part and per character of `value`, before work that visits all of it, such as comparing. */
  spendOnValue(value: unknown): void {
    const unseen: unknown[] = [value];
    while (unseen.length > 0) {
      const part = unseen.pop();
      this.spendSteps(1 + (typeof part === "string" ? part.length : 0));
      if (typeof part !== "object" || part === null) continue;
      // Names and values of an object, or indices and values of a list.
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
