/** The user's key. It is kept for this tab alone, and only ever sent as a header to this server. */
import { signal } from "@preact/signals";

const STORED_AS = "background-responses.key";

/** Undefined without a key: the server may be open to everyone on its machine. */
export const key = signal<string | undefined>(read());

export function setKey(value: string | undefined): void {
  key.value = value;
  try {
    if (value === undefined) sessionStorage.removeItem(STORED_AS);
    else sessionStorage.setItem(STORED_AS, value);
  } catch {
    // A browser that stores nothing asks again after a reload.
  }
}

function read(): string | undefined {
  try {
    return sessionStorage.getItem(STORED_AS) ?? undefined;
  } catch {
    return undefined;
  }
}
