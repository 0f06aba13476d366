/** `npm run demo:research` for a newcomer: its steps, its crash, its report and its own verdict. */
import { afterEach, describe, expect, test } from "vitest";
import { callKey, findRepeatedCalls, ExecutedCallLog } from "../../src/local/demo/research/check-calls.ts";
import { findWrongCitations, numberSources } from "../../src/local/demo/research/report.ts";
import { DemoRun, expectNothingLeft } from "../support/demo-run.ts";
import { type Frame, startUpstreamServer, streamAndEnd, type UpstreamServer } from "../support/upstream-server.ts";

const SCRIPT = "src/local/research-demo.ts";
const WIDTH = 100;

let run: DemoRun | undefined;

afterEach(async () => {
  run?.child.kill("SIGKILL");
  await run?.ended;
  run = undefined;
});

/** The words after `event N  worker P`, with their author. */
function stepsIn(output: string): { number: number; worker: string; step: string }[] {
  return [...output.matchAll(/^ +event +(\d+) {2}worker (\d+) {2}(.+)$/gm)].map(([, number, worker, step]) => ({
    number: Number(number),
    worker: worker!,
    step: step!,
  }));
}

test("a run resumes after its worker's crash, and its report cites its sources", async () => {
  run = new DemoRun(SCRIPT);
  expect({ code: await run.ended, errors: run.errors }).toEqual({ code: 0, errors: "" });
  const { output } = run;
  const lines = output.trimEnd().split("\n");
  expect(lines.filter((line) => /^\d\. /.test(line)).map((line) => line[0])).toEqual(["1", "2", "3", "4"]);
  expect(lines.filter((line) => line.length > WIDTH)).toEqual([]);
  // Only terminals get colors.
  expect(output).not.toContain("\u001B");

  const [, killed, last] = /Worker (\d+) got SIGKILL[^]*up to (\d+),/.exec(output)!;
  const [, survivor, first] = /Worker (\d+) resumes at event (\d+), \d+\.\d s after the kill/.exec(output)!;
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

  expect(output).toMatch(/- Eddystone \[5\], 41 m: hidden at 16\.9/);
  expect(output).toMatch(
    /^ +\[3\] The nominal range of a light, http:\/\/127\.0\.0\.1:\d+\/nominal-range\.pdf#page=3$/m,
  );
  expect(output).toMatch(/^ +\[5\] Eddystone: four towers on one rock, http:\/\/127\.0\.0\.1:\d+\/eddystone$/m);
  expect(lines.filter((line) => line.startsWith("✓"))).toEqual([
    expect.stringMatching(/^✓ \d+ events, sequence 0…\d+, the same on replay; one terminal event\.$/),
    "✓ 10 completed calls, each made once, as counted by search engine, pages and MCP server.",
    "✓ add_note, which writes, was called once; look_up_lights, which reads, again after the crash.",
    "✓ 9 links cited: each is cut out of the report by its citation, and its page was found.",
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

/** A vendor's model: it opens its search results, asks the almanac, computes, and cites one page. */
function nextTurn({ requests }: UpstreamServer): Frame[] {
  const input = requests.at(-1)!.body["input"] as { type: string; output?: string }[];
  const outputs = input.filter((item) => item.type === "function_call_output").map((item) => item.output!);
  const urls = [...(outputs[0] ?? "").matchAll(/^URL: (.+)$/gm)].map((match) => match[1]!);
  const calls: [name: string, args: object][] = [
    ["web_search", { query: "the range of a light" }],
    ["open_page", { url: urls[0] }],
    ["open_page", { url: urls[1] }],
    ["almanac__add_note", { text: "Two pages read." }],
    ["python", { code: "print(6 * 7)" }],
  ];
  const call = calls[outputs.length];
  return call === undefined ? frames(message(`See [this](${urls[0]}).`)) : frames(functionCall(outputs.length, call));
}

const message = (text: string) => ({
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [] }],
});

const functionCall = (number: number, [name, args]: [name: string, args: object]) => ({
  type: "function_call",
  id: `fc_${number}`,
  call_id: `call_${number}`,
  name,
  arguments: JSON.stringify(args),
  status: "completed",
});

function frames(item: ReturnType<typeof message> | ReturnType<typeof functionCall>): Frame[] {
  const response = { id: "resp_1", status: "in_progress", output: [] };
  const at = { item_id: item.id, output_index: 0, content_index: 0 };
  const inside =
    "arguments" in item
      ? [{ type: "response.function_call_arguments.done", ...at, arguments: item.arguments }]
      : [
          { type: "response.content_part.added", ...at, part: { ...item.content[0], text: "" } },
          { type: "response.output_text.delta", ...at, delta: item.content[0]!.text },
          { type: "response.output_text.done", ...at, text: item.content[0]!.text },
          { type: "response.content_part.done", ...at, part: item.content[0] },
        ];
  const empty = "arguments" in item ? { arguments: "" } : { content: [] };
  return [
    { type: "response.created", response },
    { type: "response.output_item.added", output_index: 0, item: { ...item, ...empty, status: "in_progress" } },
    ...inside,
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { ...response, status: "completed", output: [item] } },
  ].map((frame, sequence_number) => ({ ...frame, sequence_number }));
}

test("a real model does the same, with all tools run here", async () => {
  await using vendor: UpstreamServer = await startUpstreamServer((response) =>
    streamAndEnd(...nextTurn(vendor))(response),
  );
  const environment = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: vendor.url, API_KEYS: "not:the-demos" };
  run = new DemoRun(SCRIPT, { args: ["--model", "openai/egret", "How far", "is it?"], environment });
  expect({ code: await run.ended, errors: run.errors }).toEqual({ code: 0, errors: "" });
  expect(run.output).toContain("“How far is it?”");
  expect(run.output).toMatch(/Worker \d+ got SIGKILL/);
  expect(run.output).toContain("See this [1].");
  // If the note was on its way, its outcome is unknown, and the call is not repeated.
  expect(run.output).toMatch(/✓ [34] completed calls, each made once/);
  expect(run.output).toMatch(/✓ 1 links cited/);
  const { body, headers } = vendor.requests[0]!;
  expect(headers.authorization).toBe("Bearer sk-test");
  const names = (body["tools"] as { type: string; name: string }[]).map(({ type, name }) => `${type} ${name}`);
  expect(names).toEqual(
    ["web_search", "open_page", "find_in_page", "almanac__look_up_lights", "almanac__add_note", "python"].map(
      (name) => `function ${name}`,
    ),
  );
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

  test.each<[what: string, shown: Items, executed: string[], errors: string[]]>([
    ["calls executed once", [opened(MOSS), called(1)], [`page ${MOSS}`, look(1)], []],
    ["a page read twice", [opened(MOSS), opened(MOSS)], [`page ${MOSS}`], []],
    ["a call executed twice", [called(1)], [look(1), look(1)], [`made 2 times instead of 1: ${look(1)}`]],
    ["a call that was cut off", [called(1, "incomplete"), called(1)], [look(1), look(1)], []],
    ["a writing call that was cut off", [called(2, "incomplete"), called(2, "failed")], [look(2)], []],
    [
      "a writing call executed again",
      [called(2, "incomplete"), called(2)],
      [look(2), look(2)],
      [`made 2 times instead of 1: ${look(2)}`],
    ],
    ["a call never executed", [called(1)], [], [`completed, and never made: ${look(1)}`]],
    ["a call never shown", [], [look(1)], [`made 1 times instead of 0: ${look(1)}`]],
    ["a search that was cut off", [nameless, opened(MOSS)], [`page ${MOSS}`, `page ${MOSS}`], []],
    [
      "a cut-off search beside a repeated call",
      [nameless, called(1)],
      [look(1), look(1)],
      [`made 2 times instead of 1: ${look(1)}`],
    ],
  ])("of calls: %s", (_what, shown, keys, errors) => {
    const executed = new ExecutedCallLog();
    for (const key of keys) executed.record(key);
    expect(findRepeatedCalls(shown, executed, (key) => key !== look(2))).toEqual(errors);
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
