/** How a fake vendor misbehaves. A seed decides everything, so a failing run can be repeated. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { seededRandom } from "../random.ts";
import type { Frame } from "./protocol.ts";

/**
 * `refuse`: a status that asks for a retry. `break`: the connection breaks in mid-stream. `silence`: nothing more
 * arrives.
 */
export type Failure = "refuse" | "break" | "silence";

export interface ChaosSettings {
  seed?: number;
  /** The probability that the first try of a turn fails, and the ways. Its next try succeeds. */
  failureRate?: number;
  failures?: readonly Failure[];
  /** The probability of each of the vendor's oddities in an answer. */
  oddityRate?: number;
  /** Whether answers may be split into pieces of a few bytes, with comments between their events. */
  cuts?: boolean;
}

export interface AnswerPlan {
  failure: Failure | undefined;
  /** Indices in the vendor's list. */
  oddities: readonly number[];
  /** In bytes; undefined for an answer in one piece. */
  pieceLength: number | undefined;
  hasComments: boolean;
  /** The frame after which a failure comes, as a fraction of all. */
  failsAfter: number;
}

const COMMENT = ": keep-alive\n\n";

export class Chaos {
  readonly #settings: ChaosSettings;
  readonly #random: () => number;
  readonly #tried = new Set<string>();
  /** The misbehavior, for the message of a failing test. */
  readonly plans: AnswerPlan[] = [];

  constructor(settings: ChaosSettings = {}) {
    this.#settings = settings;
    this.#random = seededRandom(settings.seed ?? 1);
  }

  /** `key` identifies the turn. */
  plan(key: string, oddities: number): AnswerPlan {
    const { failureRate = 0, failures = ["refuse"], oddityRate = 0, cuts = false } = this.#settings;
    const isFirst = !this.#tried.has(key);
    this.#tried.add(key);
    const random = this.#random;
    const failure = isFirst && random() < failureRate ? failures[Math.floor(random() * failures.length)] : undefined;
    const plan = {
      failure,
      oddities: Array.from({ length: oddities }, (_, index) => index).filter(() => random() < oddityRate),
      pieceLength: cuts ? [undefined, 1, 7][Math.floor(random() * 3)] : undefined,
      hasComments: cuts && random() < 0.5,
      failsAfter: random(),
    };
    this.plans.push(plan);
    return plan;
  }

  async send(response: ServerResponse, frames: readonly Frame[], plan: AnswerPlan): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.flushHeaders();
    const sent = plan.failure === undefined ? frames : frames.slice(0, Math.floor(plan.failsAfter * frames.length));
    const encoded = sent.map(encode).join(plan.hasComments ? COMMENT : "");
    for (const piece of pieces(Buffer.from(plan.hasComments ? COMMENT + encoded : encoded), plan.pieceLength)) {
      if (response.destroyed) return;
      if (!response.write(piece)) await Promise.race([once(response, "drain"), once(response, "close")]);
      // Each piece is its own packet.
      if (plan.pieceLength !== undefined) await setImmediate();
    }
    if (plan.failure === "break") response.write("", () => response.destroy());
    else if (plan.failure !== "silence") response.end();
  }
}

function* pieces(bytes: Buffer, length = bytes.length): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length);
}

function encode({ event, data }: Frame): string {
  const json = typeof data === "string" ? data : JSON.stringify(data);
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${json}\n\n`;
}
