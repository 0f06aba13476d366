/** `npm run demo` for a newcomer: it shows each step, checks itself, and leaves nothing behind. */
import { readFile } from "node:fs/promises";
import { afterEach, expect, test } from "vitest";
import { findStreamErrors, type NumberedEvent } from "../../src/local/demo/check-events.ts";
import { DemoRun, expectNothingLeft } from "../support/demo-run.ts";

const SCRIPT = "src/local/demo.ts";
const WIDTH = 100;

let run: DemoRun;

const withoutNumbers = (text: string): string => text.replaceAll(/\d+/g, "0");

afterEach(async () => {
  run?.child.kill("SIGKILL");
  await run?.ended;
});

test("the demo drops the connection, kills the worker, resumes and misses nothing", async () => {
  run = new DemoRun(SCRIPT);
  expect({ code: await run.ended, errors: run.errors }).toEqual({ code: 0, errors: "" });
  const lines = run.output.trimEnd().split("\n");
  const headings = lines.filter((line) => /^\d\. /.test(line));
  expect(lines.at(-1)).toMatch(/^✓ \d+ events, sequence 0…\d+ complete: no gap, no repetition, one terminal event\.$/);
  expect(headings.map((line) => line[0])).toEqual(["1", "2", "3", "4", "5", "6"]);
  // The README's picture shows the same run. `npm run docs:demo` renews it.
  const picture = withoutNumbers(await readFile("docs/demo.svg", "utf8"));
  expect(headings.filter((heading) => !picture.includes(withoutNumbers(heading)))).toEqual([]);
  expect(run.output).toMatch(/Worker \d+ got SIGKILL/);
  expect(run.output).toMatch(/Worker \d+ resumed: event \d+ came \d\.\d s after the kill/);
  expect(run.output).toMatch(/status +completed/);
  expect(lines.filter((line) => line.length > WIDTH)).toEqual([]);
  // Only terminals get colors.
  expect(run.output).not.toContain("\u001B");
  await expectNothingLeft(run);
});

test("Ctrl-C in the middle ends everything", async () => {
  run = new DemoRun(SCRIPT);
  await run.says(/is queued/);
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(130);
  expect(run.output).toMatch(/Stopping\.\n$/);
  await expectNothingLeft(run);
});

test("a crashed process fails the demo, and the logs name it", async () => {
  run = new DemoRun(SCRIPT);
  await run.says(/is queued/);
  process.kill(run.pids[0]!, "SIGKILL");
  expect(await run.ended).toBe(1);
  expect(run.errors).toContain(`✗ The API (pid ${run.pids[0]}) ended unexpectedly: signal SIGKILL.`);
  expect(run.errors).toContain('"msg":"API listening"');
  expect(run.errors).toContain('"msg":"Worker taking jobs"');
  expect(run.output).not.toContain("✓");
  await expectNothingLeft(run);
});

test("without its configured Redis the demo waits, and stops on request", async () => {
  run = new DemoRun(SCRIPT, { redisUrl: "redis://127.0.0.1:1" });
  await run.says(/Start Redis/);
  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(130);
  expect(run.pids).toEqual([]);
});

const created = { type: "response.created", sequence_number: 0 };
const delta = { type: "response.output_text.delta", sequence_number: 1, delta: "so" };
const completed = { type: "response.completed", sequence_number: 2 };
const whole = [created, delta, completed];

test.each<[what: string, received: NumberedEvent[], replayed: NumberedEvent[], errors: string[]]>([
  ["a complete stream", whole, whole, []],
  ["no first event", whole.slice(1), whole.slice(1), ["a gap: 1 came instead of 0"]],
  ["a gap", [created, completed], [created, completed], ["a gap: 2 came instead of 1"]],
  [
    "a repetition",
    [created, delta, delta, completed],
    [created, delta, delta, completed],
    ["a repetition: 1 came instead of 2"],
  ],
  [
    "no end",
    [created, delta],
    [created, delta],
    ["0 terminal events instead of one", "the last event is not terminal"],
  ],
  [
    "two ends",
    [...whole, { ...completed, sequence_number: 3 }],
    [...whole, { ...completed, sequence_number: 3 }],
    ["2 terminal events instead of one"],
  ],
  [
    "another text",
    whole,
    [created, { ...delta, delta: "as" } as NumberedEvent, completed],
    ["event 1 of the replay differs from the one that was received"],
  ],
  [
    "a longer replay",
    whole,
    [...whole, { ...completed, sequence_number: 3 }],
    ["the replay has 4 events, 3 were received"],
  ],
])("the demo's own check of %s", (_what, received, replayed, errors) => {
  expect(findStreamErrors(received, replayed)).toEqual(errors);
});
