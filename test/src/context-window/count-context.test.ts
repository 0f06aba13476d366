/** Token costs of each kind of item. The frames are harmony's; the estimates are those of docs/conversations.md. */
import { expect, test } from "vitest";
import { countContext, certainlyFits } from "../../../src/context-window/count-context.ts";
import type { ContextItem } from "../../../src/context-window/measure.ts";
import { inputItemSchema } from "../../../src/protocol/item.ts";
import { SAMPLES } from "../../support/context-items.ts";

const item = (value: object): ContextItem => inputItemSchema.parse(value);
const say = (content: unknown, role = "user"): ContextItem => item({ role, content });

test("a request of one message costs as much as at the hosted API", async () => {
  // The documentation of input_tokens in openai 7.59 gives 11 for this input.
  expect((await countContext({}, [say("Tell me a joke.")])).total).toBe(11);
});

test.each<[string, ContextItem, number]>([
  ["a string", say("Hello world"), 4 + 2],
  [
    "parts",
    say([
      { type: "input_text", text: "Hello" },
      { type: "input_text", text: " world" },
    ]),
    4 + 2,
  ],
  ["an image", say([{ type: "input_image", image_url: "https://example.org/a.png" }]), 4 + 765],
  ["a coarse image", say([{ type: "input_image", file_id: "file_1", detail: "low" }]), 4 + 85],
  ["a file elsewhere", say([{ type: "input_file", file_id: "file_1" }]), 4 + 1_000],
  ["a text file", say([{ type: "input_file", file_data: `data:text/plain;base64,${"A".repeat(507)}` }]), 4 + 100],
  ["a document", say([{ type: "input_file", file_data: `data:application/pdf;base64,${"A".repeat(8_472)}` }]), 4 + 100],
  [
    "a call",
    item({ type: "function_call", call_id: "c", name: "get_weather", arguments: '{"city":"Paris"}' }),
    8 + 2 + 5,
  ],
  ["its output", item({ type: "function_call_output", call_id: "c", output: "Hello world" }), 8 + 2],
  [
    "an output of parts",
    item({ type: "function_call_output", call_id: "c", output: [{ type: "input_image" }] }),
    8 + 765,
  ],
  ["reasoning", item({ type: "reasoning", summary: [{ type: "summary_text", text: "Hello world" }] }), 4 + 2],
  ["sealed reasoning", item({ type: "reasoning", summary: [], encrypted_content: "g".repeat(600) }), 4 + 100],
  ["a compaction", item({ type: "compaction", encrypted_content: "g".repeat(600) }), 4 + 100],
])("%s", async (_name, each, tokens) => {
  expect((await countContext({}, [each])).items).toEqual([tokens]);
});

test.each(SAMPLES.map((each) => [each.type, each] as const))(
  "%s costs tokens, and its ids cost none",
  async (_type, each) => {
    const [counted] = (await countContext({}, [each])).items;
    const renamed = { ...each, ...("id" in each && { id: `${each.id}_${"x".repeat(500)}` }) };
    expect(counted).toBeGreaterThanOrEqual(
      each.type === "item_reference" || each.type === "compaction_trigger" ? 0 : 4,
    );
    expect((await countContext({}, [renamed])).items).toEqual([counted]);
  },
);

test("instructions, tools and the answer's schema cost tokens too", async () => {
  const empty = await countContext({}, []);
  expect(empty).toEqual({ settings: 2, items: [], total: 2 });
  expect((await countContext({ instructions: "Hello world" }, [])).total).toBe(2 + 4 + 2);
  const parameters = { type: "object", properties: { id: { type: "string", description: "of the city" } } };
  const tool = { type: "function" as const, name: "get_weather" };
  const bare = (await countContext({ tools: [tool] }, [])).total;
  const whole = (await countContext({ tools: [{ ...tool, parameters }] }, [])).total;
  expect(whole - bare).toBeGreaterThan(15);
  const format = { type: "json_schema" as const, name: "city", schema: parameters };
  expect((await countContext({ text: { format } }, [])).total).toBeGreaterThan(15);
});

test("a context well below the window fits", async () => {
  const items = [say("漢字".repeat(50)), say("Hello world".repeat(20))];
  const { total } = await countContext({ instructions: "Be brief." }, items);
  expect(certainlyFits({ instructions: "Be brief." }, items, total - 1)).toBe(false);
  expect(certainlyFits({ instructions: "Be brief." }, items, 1_500)).toBe(true);
});
