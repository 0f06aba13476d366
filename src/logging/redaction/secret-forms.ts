/** The forms in which a secret may appear: verbatim (decoded like the texts that are searched), base64, hexadecimal. */
import { decodeRounds } from "./decoded-text.ts";

export interface SecretForm {
  /** The start of the form; not all of a long one. */
  text: string;
  /** Length of the whole form. */
  length: number;
  /** Whether it contains neither a quotation mark nor a line end. */
  isPlain: boolean;
  /** Adjacent characters that contain bits of the secret and are redacted with it. */
  margin: { before: number; after: number };
}

/** Enough to recognize a secret. */
const HEAD_CHARACTERS = 4096;
const BITS_OF_BYTE = 8;
const BITS_OF_DIGIT = 6;
/** Shorter encoded forms occur in many texts by chance. */
const ENCODED_MIN_LENGTH = 8;
const ALIGNMENTS = [0, 1, 2];

const NO_MARGIN = { before: 0, after: 0 };

/** `rounds`: number of times that texts are decoded. */
export function createSecretForms(whole: string, rounds: number): SecretForm[] {
  const secret = whole.slice(0, HEAD_CHARACTERS);
  const spellings = Array.from({ length: rounds + 1 }, (_, round) => decodeRounds(secret, round));
  // Form encoding writes a space as a plus sign.
  const all = new Set([...spellings, ...spellings.map((text) => text.replaceAll(" ", "+"))]);
  const isPlain = !/["\r\n]/.test(whole);
  const forms = [...all].map((text) => {
    const length = Math.ceil((text.length * whole.length) / secret.length);
    return { text, length, isPlain, margin: NO_MARGIN };
  });
  // A header's value is Latin-1 on the wire where possible.
  for (const encoding of ["utf8", "latin1"] as const) {
    const head = Buffer.from(secret, encoding);
    const bytes = Buffer.byteLength(whole, encoding);
    const digits = head.toString("hex");
    const hexadecimal = { length: 2 * bytes, isPlain: true, margin: NO_MARGIN };
    forms.push({ text: digits, ...hexadecimal }, { text: digits.toUpperCase(), ...hexadecimal });
    for (const skipped of ALIGNMENTS) forms.push(...base64Forms(head, bytes, skipped));
  }
  return forms.filter(({ text }) => all.has(text) || text.length >= ENCODED_MIN_LENGTH);
}

/** The base64 digits, in both alphabets, that depend only on the secret if `skipped` bytes precede it in its group. */
function base64Forms(head: Buffer, bytes: number, skipped: number): SecretForm[] {
  const first = Math.ceil((skipped * BITS_OF_BYTE) / BITS_OF_DIGIT);
  const digitsOf = (count: number) => Math.floor(((skipped + count) * BITS_OF_BYTE) / BITS_OF_DIGIT);
  const isEven = ((skipped + bytes) * BITS_OF_BYTE) % BITS_OF_DIGIT === 0;
  const margin = { before: skipped === 0 ? 0 : 1, after: isEven ? 0 : 1 };
  const padded = Buffer.concat([Buffer.alloc(skipped), head]);
  return (["base64", "base64url"] as const).map((alphabet) => {
    const text = padded.toString(alphabet).slice(first, digitsOf(head.length));
    return { text, length: digitsOf(bytes) - first, isPlain: true, margin };
  });
}
