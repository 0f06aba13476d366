/** What is common to the protocols: frames, refusals, rules, and what a vendor remembers of what it has given out. */
import type { Step, ScriptedTurn } from "./script.ts";

/** Of an event stream. A string is written as it is. */
export interface Frame {
  event?: string;
  data: unknown;
}

export interface VendorRejection {
  status: number;
  message: string;
}

/** Where the vendor, or somebody whom it has refused, says so. */
export type Source = `https://${string}`;

/** What a vendor enforces. `broken` says it in the vendor's words, if the request breaks it. */
export interface Rule<B> {
  source: Source;
  status?: number;
  broken: (body: B, memory: VendorMemory) => string | undefined;
}

/** State that a vendor gave out beside its calls, to compare with what it is given back. */
export class VendorMemory {
  readonly name: string;
  /** By what identifies the call there. */
  readonly #states = new Map<string, unknown[]>();
  #count = 0;

  constructor(name: string) {
    this.name = name;
  }

  next(): number {
    return ++this.#count;
  }

  /** Names its vendor: whoever is sent it can say whose it is (`foreignState`). */
  newState(): string {
    return `${MARK}${this.name}${MARK}${this.next()}`;
  }

  keep(key: string, state: unknown): void {
    this.#states.set(key, [...(this.#states.get(key) ?? []), state]);
  }

  /** Undefined if no such call, or text, was ever given out here. */
  given(key: string): readonly unknown[] | undefined {
    return this.#states.get(key);
  }
}

const MARK = "~state~";

/** No vendor can read another's state, and most refuse it. */
export function foreignState(body: unknown, { name }: VendorMemory): string | undefined {
  const [, owner] =
    [...JSON.stringify(body).matchAll(/~state~([a-z]+)~state~/g)].find(([, each]) => each !== name) ?? [];
  return owner && `State of '${owner}' was sent to '${name}'.`;
}

/** One vendor, while its server runs. */
export interface OpenVendor {
  /** The conversation in a request's body. */
  readSteps: (body: unknown) => Step[];
  /** The first rule that the body breaks. */
  check: (body: unknown) => VendorRejection | undefined;
  /** An answer as the vendor streams it. */
  write: (turn: ScriptedTurn, body: unknown) => Frame[];
  /** The body of an error. */
  describe: (refusal: VendorRejection) => unknown;
  /** How it says that it is overloaded. */
  overloaded: VendorRejection;
  /** What its streams may also be like, each a change that its own documentation, or a report, says to expect. */
  oddities: readonly Oddity[];
}

export interface Oddity {
  name: string;
  source: Source;
  apply: (frames: readonly Frame[]) => Frame[];
}

export interface VendorDefinition {
  /** Its entry in a providers file, but for the address. */
  provider: { kind: "openai-responses" | "openai-compatible" | "anthropic" | "google"; [field: string]: unknown };
  /** Of the address, behind the host. */
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

/** The same whatever the order of the fields. */
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

/** The frames with one more between each two: the first and the last are where they belong. */
export function interleave(frames: readonly Frame[], frame: Frame): Frame[] {
  return frames.flatMap((each, place) => (place === 0 ? [each] : [frame, each]));
}
