/** Limits what a turn holds back in memory. */

/** Maximum characters of JSON. No model's turn is that long. */
const MAX_HELD_CHARACTERS = 16 * 1024 * 1024;

/** A provider sent more than the server holds back in memory. The response fails. */
export class TurnTooLongError extends Error {
  override readonly name = "TurnTooLongError";
  constructor(excess: string) {
    super(`The provider sent too much ${excess}.`);
  }
}

export class HeldCharacters {
  readonly #excess: string;
  #count = 0;

  /** `excess` completes the error message: "The provider sent too much …". */
  constructor(excess: string) {
    this.#excess = excess;
  }

  /** Throws TurnTooLongError above the limit. */
  add(characters: number): void {
    this.#count += characters;
    if (this.#count > MAX_HELD_CHARACTERS) throw new TurnTooLongError(this.#excess);
  }

  reset(): void {
    this.#count = 0;
  }
}
