/**
 * A machine's clock is set back and forth, and differs from other machines' clocks. Durations are therefore measured
 * with `performance.now()`, and times that several processes compare are in Redis's time (src/redis/redis-clock.ts).
 * Only the lines listed here read the machine's own date, each with its reason.
 */
import { globSync, readFileSync } from "node:fs";
import { type CallExpression, type MemberExpression, type NewExpression, parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";

const ALLOWED: Record<string, string> = {
  "src/redis/redis-clock.ts: skewMs = (): number => Date.now() - this.nowMs();": "how wrong the machine's clock is",
  "src/queue/use-redis-time.ts: const toOwnTime = (dueMs: number): number => (dueMs > 0 ? dueMs + Date.now() - clock.nowMs() : dueMs);":
    "BullMQ compares it with the machine's date at once",
  "workers/jobs/response-worker.ts: await job.moveToDelayed(Date.now() + outcome.waitMs, token);":
    "BullMQ takes the machine's date from it at once",
  "workers/jobs/webhook-worker.ts: await job.moveToDelayed(Date.now() + waitMs, token);":
    "BullMQ takes the machine's date from it at once",
  "src/providers/retry-after.ts: return Number.isFinite(dateMs) ? dateMs : Date.now();":
    "a date that a provider sent, which does not say what time it is there",
  "src/telemetry/tracing/span.ts: this.startMs = startMs ?? Date.now();":
    "where a span is in time, by the format; its duration is measured",
  "src/client/retries.ts: const delayMs = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;":
    "a date of `Retry-After`, in a client's process",
};

function readingsIn(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const found: string[] = [];
  const note = ({ start }: { start: number }): void => {
    const from = text.lastIndexOf("\n", start) + 1;
    found.push(`${file}: ${text.slice(from, text.indexOf("\n", start)).trim()}`);
  };
  const isDate = (node: { type: string; name?: unknown }): boolean =>
    node.type === "Identifier" && node.name === "Date";
  new Visitor({
    MemberExpression: (node: MemberExpression) => {
      const { object, property } = node;
      const isNow = property.type === "Identifier" ? property.name === "now" : property.type !== "PrivateIdentifier";
      if (isDate(object) && isNow) note(node);
    },
    // With an argument it converts another clock's date.
    NewExpression: (node: NewExpression) => {
      if (isDate(node.callee) && node.arguments.length === 0) note(node);
    },
    CallExpression: (node: CallExpression) => {
      if (isDate(node.callee)) note(node);
    },
  }).visit(parseSync(file, text).program);
  return found;
}

test("no code measures or compares by the machine's own date", () => {
  const files = globSync(["src/**/*.ts", "workers/**/*.ts"]);
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap(readingsIn);
  expect(found.filter((reading) => ALLOWED[reading] === undefined)).toEqual([]);
  expect(Object.keys(ALLOWED).filter((reading) => !found.includes(reading))).toEqual([]);
});
