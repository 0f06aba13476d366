/** Limits what a turn holds in memory until a call ends. */

/** Maximum characters of JSON. No model's turn is that long. */
const MAX_HELD_CHARACTERS = 16 * 1024 * 1024;

/** A provider sent more after a tool call than the server holds in memory. The response fails. */
export class TurnTooLongError extends Error {
  override readonly name = "TurnTooLongError";
  constructor() {
    super("The provider sent too much after a tool call.");
  }
}

export class HeldCharacters {
  #count = 0;

  /** Throws TurnTooLongError above the limit. */
  add(characters: number): void {
    this.#count += characters;
    if (this.#count > MAX_HELD_CHARACTERS) throw new TurnTooLongError();
  }

  reset(): void {
    this.#count = 0;
  }
}
