/** The parts that all protocols share: frames, errors, rules, and a vendor's memory of the state it has issued. */
import type { Step, ScriptedTurn } from "./script.ts";

/** Of an event stream. A string is written unchanged. */
export interface Frame {
  event?: string;
  data: unknown;
}

export interface VendorRejection {
  status: number;
  message: string;
}

/** The source: the vendor's documentation, or a report of the rejection. */
export type Source = `https://${string}`;

/** A rule that a vendor enforces. `broken` returns the vendor's error text if the request breaks it. */
export interface Rule<B> {
  source: Source;
  status?: number;
  broken: (body: B, memory: VendorMemory) => string | undefined;
}

/** State that a vendor issued with its calls, to compare with the state it receives back. */
export class VendorMemory {
  readonly name: string;
  /** Keyed by the call's identity in this protocol. */
  readonly #states = new Map<string, unknown[]>();
  #count = 0;

  constructor(name: string) {
    this.name = name;
  }

  next(): number {
    return ++this.#count;
  }

  /** Names its vendor, so that any receiver can identify the owner (`foreignState`). */
  newState(): string {
    return `${MARK}${this.name}${MARK}${this.next()}`;
  }

  keep(key: string, state: unknown): void {
    this.#states.set(key, [...(this.#states.get(key) ?? []), state]);
  }

  /** Undefined if this vendor never issued such a call or text. */
  given(key: string): readonly unknown[] | undefined {
    return this.#states.get(key);
  }
}

const MARK = "~state~";

/** No vendor can read another's state, and most reject it. */
export function foreignState(body: unknown, { name }: VendorMemory): string | undefined {
  const [, owner] =
    [...JSON.stringify(body).matchAll(/~state~([a-z]+)~state~/g)].find(([, each]) => each !== name) ?? [];
  return owner && `State of '${owner}' was sent to '${name}'.`;
}

/** One vendor while its server runs. */
export interface OpenVendor {
  /** The conversation in a request's body. */
  readSteps: (body: unknown) => Step[];
  /** The first rule that the body breaks. */
  check: (body: unknown) => VendorRejection | undefined;
  /** An answer as the vendor streams it. */
  write: (turn: ScriptedTurn, body: unknown) => Frame[];
  /** The body of an error. */
  describe: (rejection: VendorRejection) => unknown;
  /** Its error for an overload. */
  overloaded: VendorRejection;
  /** Variants of its streams, each documented by the vendor or reported. */
  oddities: readonly Oddity[];
}

export interface Oddity {
  name: string;
  source: Source;
  apply: (frames: readonly Frame[]) => Frame[];
}

export interface VendorDefinition {
  /** Its entry in a providers file without the address. */
  provider: { kind: "openai-responses" | "openai-compatible" | "anthropic" | "google"; [field: string]: unknown };
  /** The path after the host. */
  path: string;
  model: string;
  open: (memory: VendorMemory) => OpenVendor;
}

export function findBrokenRule<B>(
  rules: readonly Rule<B>[],
  body: B,
  memory: VendorMemory,
): VendorRejection | undefined {
  for (const { broken, status = 400 } of rules) {
    const message = broken(body, memory);
    if (message !== undefined) return { status, message };
  }
  const message = foreignState(body, memory);
  return message === undefined ? undefined : { status: 400, message };
}

/** Equal for any order of the fields. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}

export function callKey(name: string, args: unknown): string {
  return `${name} ${canonical(args)}`;
}

/** The frames with an extra one between each two; the first and the last keep their positions. */
export function interleave(frames: readonly Frame[], frame: Frame): Frame[] {
  return frames.flatMap((each, index) => (index === 0 ? [each] : [frame, each]));
}
