/** `npm run demo:research` as a newcomer runs it: its steps, its crash, its report and its own verdict. */
import { afterEach, describe, expect, test } from "vitest";
import { callKey, findRepeatedCalls, MadeCalls } from "../../src/demo/research/check-calls.ts";
import { findWrongCitations, numberSources } from "../../src/demo/research/report.ts";
import { DemoRun, expectNothingLeft } from "../support/demo-run.ts";

const SCRIPT = "src/research-demo.ts";
const WIDTH = 100;

let run: DemoRun | undefined;

afterEach(async () => {
  run?.child.kill("SIGKILL");
  await run?.ended;
  run = undefined;
});

/** The words behind `event N  worker P`, with who did it. */
function stepsIn(output: string): { number: number; worker: string; step: string }[] {
  return [...output.matchAll(/^ +event +(\d+) {2}worker (\d+) {2}(.+)$/gm)].map(([, number, worker, step]) => ({
    number: Number(number),
    worker: worker!,
    step: step!,
  }));
}

test("a run goes on behind its worker's death, and its report cites what was found", async () => {
  run = new DemoRun(SCRIPT);
  expect({ code: await run.ended, errors: run.errors }).toEqual({ code: 0, errors: "" });
  const { output } = run;
  const lines = output.trimEnd().split("\n");
  expect(lines.filter((line) => /^\d\. /.test(line)).map((line) => line[0])).toEqual(["1", "2", "3", "4"]);
  expect(lines.filter((line) => line.length > WIDTH)).toEqual([]);
  // Colours are for terminals.
  expect(output).not.toContain("\u001B");

  const [, killed, last] = /Worker (\d+) got SIGKILL[^]*up to (\d+),/.exec(output)!;
  const [, survivor, first] = /Worker (\d+) goes on at event (\d+), \d+\.\d s after the kill/.exec(output)!;
  expect(survivor).not.toBe(killed);
  expect(Number(first)).toBe(Number(last) + 1);
  const steps = stepsIn(output);
  expect(steps.map(({ step }) => step.split(" ")[0])).toEqual([
    "asks",
    "searches,",
    ...Array<string>(6).fill("opens"),
    "finds",
    "calls",
    "calls",
    "calls",
    "runs",
    "writes",
  ]);
  for (const { number, worker } of steps) expect(worker).toBe(number <= Number(last) ? killed : survivor);
  expect(output).toContain("cut off with its worker: closed as incomplete");
  expect(output).toContain("Eddystone: curve 16.9, lamp 17");

  expect(output).toMatch(/- Eddystone \[4\], 41 m: hidden at 16\.9/);
  expect(output).toMatch(/^ +\[4\] Eddystone: four towers on one rock, http:\/\/127\.0\.0\.1:\d+\/eddystone$/m);
  expect(lines.filter((line) => line.startsWith("✓"))).toEqual([
    expect.stringMatching(/^✓ \d+ events, sequence 0…\d+, the same on replay; one terminal event\.$/),
    "✓ 10 completed calls, each made once, as counted by search engine, pages and MCP server.",
    "✓ add_note, which writes, was called once; look_up_lights, which reads, again after the crash.",
    "✓ 8 citations: each cuts its link out of the report, and its page was found.",
    "✓ The report has the figures that Python printed.",
  ]);
  await expectNothingLeft(run);
});

test("Ctrl-C while a worker waits for a tool ends everything", async () => {
  run = new DemoRun(SCRIPT);
  await run.says(/got SIGKILL/);
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(130);
  expect(run.output).toMatch(/Stopping\.\n$/);
  await expectNothingLeft(run);
});

test.each([
  [["--model", "openai/gpt-5", "Why?"], "✗ No vendor serves 'openai/gpt-5'. Set its key (like OPENAI_API_KEY)"],
  [["--model", "simulator/default"], "✗ Leave --model out for the simulator"],
  [["Why?"], "✗ The simulator has one script and answers no other question."],
  [["--modle", "x"], "✗ Unknown option '--modle'"],
])("%j ends at once, with the reason", async (args, reason) => {
  run = new DemoRun(SCRIPT, { args });
  expect(await run.ended).toBe(1);
  expect(run.errors).toContain(reason);
  expect(run.pids).toEqual([]);
});

describe("the demo's own check", () => {
  type Items = Parameters<typeof findRepeatedCalls>[0];
  const opened = (url: string, status = "completed") =>
    ({ type: "web_search_call", id: "ws_1", status, action: { type: "open_page", url } }) as Items[number];
  const called = (x: number, status = "completed") =>
    ({
      type: "mcp_call",
      id: "mcp_1",
      server_label: "s",
      name: "look",
      arguments: `{"x":${x}}`,
      status,
    }) as Items[number];
  const nameless = {
    type: "web_search_call",
    id: "ws_2",
    status: "incomplete",
    action: { type: "search" },
  } as Items[number];
  const MOSS = "http://a.example/moss";
  const look = (x: number) => callKey("look", { x });

  test.each<[what: string, shown: Items, made: string[], faults: string[]]>([
    ["calls made once", [opened(MOSS), called(1)], [`page ${MOSS}`, look(1)], []],
    ["a page that was read twice", [opened(MOSS), opened(MOSS)], [`page ${MOSS}`], []],
    ["a call made twice", [called(1)], [look(1), look(1)], [`made 2 times instead of 1: ${look(1)}`]],
    ["one that was cut off", [called(1, "incomplete"), called(1)], [look(1), look(1)], []],
    ["one never made", [called(1)], [], [`completed, and never made: ${look(1)}`]],
    ["one never shown", [], [look(1)], [`made 1 times instead of 0: ${look(1)}`]],
    ["a search that was cut off", [nameless, opened(MOSS)], [`page ${MOSS}`, `page ${MOSS}`], []],
    [
      "that excuses no other call",
      [nameless, called(1)],
      [look(1), look(1)],
      [`made 2 times instead of 1: ${look(1)}`],
    ],
  ])("of calls: %s", (_what, shown, keys, faults) => {
    const made = new MadeCalls();
    for (const key of keys) made.note(key);
    expect(findRepeatedCalls(shown, made)).toEqual(faults);
  });

  const text = "😀 See [moss](http://a.example/moss), and [again](http://a.example/moss).";
  const citation = (start_index: number, end_index: number) => ({ start_index, end_index, url: MOSS, title: "Moss" });
  const both = [citation(6, 35), citation(41, 71)];

  test("of citations counts characters, not code units", () => {
    expect(findWrongCitations(text, both, () => true)).toEqual([]);
    const inCodeUnits = [citation(7, 36)];
    expect(findWrongCitations(text, inCodeUnits, () => true)).toHaveLength(1);
    expect(findWrongCitations(text, both, () => false)).toHaveLength(2);
    expect(findWrongCitations(text, [], () => true)).toEqual(["nothing is cited"]);
  });

  test("a source has one number", () => {
    const sources = [{ title: "Moss", url: MOSS }];
    expect(numberSources(text, both)).toEqual({ text: "😀 See moss [1], and again [1].", sources });
  });
});
