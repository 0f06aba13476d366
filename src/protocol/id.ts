/** Ids as the hosted API writes them: a prefix and hex digits (contract 01 §1.4: `resp_` + 50 hex). */
const HEX_DIGITS = 50;

export type IdPrefix = "resp" | "msg" | "fc" | "fco" | "rs" | "call" | "req" | "item";

/** Random bytes are drawn by the page: one call of the system for each id is dear when thousands are made a second. */
const pool = new Uint8Array(4096);
let used = pool.length;

export function newId(prefix: IdPrefix, digits = HEX_DIGITS): string {
  const count = Math.ceil(digits / 2);
  if (used + count > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + count);
  used += count;
  return `${prefix}_${Buffer.from(bytes).toString("hex").slice(0, digits)}`;
}

/** Ids come back in URLs and become parts of Redis keys: only these characters are ever accepted. */
const RESPONSE_ID = /^resp_[A-Za-z0-9_-]{1,128}$/;

export function isResponseId(id: string): boolean {
  return RESPONSE_ID.test(id);
}
