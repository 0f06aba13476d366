/** Each value of `include`, requested and not. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import { toIncluded, toListedItem, toRecordedEvent } from "../../../src/lifecycle/include.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { InputItem, OutputItem } from "../../../src/protocol/item.ts";
import { includableSchema } from "../../../src/protocol/request-options.ts";
import { legalItem } from "../../support/legal-items.ts";

type Includable = (typeof includableSchema.options)[number];

const ALL = includableSchema.options;
const allBut = (value: Includable) => toIncluded(ALL.filter((each) => each !== value));

const LOGPROBS = [{ token: "Hi", bytes: [72, 105], logprob: -0.1, top_logprobs: [] }];
const AT = { item_id: "msg_1", output_index: 0, content_index: 0 };
const textPart = { type: "output_text" as const, text: "Hi", annotations: [], logprobs: LOGPROBS };
const message = {
  type: "message" as const,
  id: "msg_1",
  role: "assistant" as const,
  status: "completed" as const,
  content: [{ type: "refusal" as const, refusal: "No" }, textPart],
};
const fileSearch = {
  type: "file_search_call" as const,
  id: "fs_1",
  status: "completed" as const,
  queries: ["tea"],
  results: [{ file_id: "file_1", text: "Tea is hot." }],
};
const search = { type: "search" as const, query: "tea" };
const sources = [{ type: "url" as const, url: "https://example.test" }];
const webSearch = {
  type: "web_search_call" as const,
  id: "ws_1",
  status: "completed" as const,
  action: { ...search, sources },
  results: [{ url: "https://example.test" }],
};
const { results: _results, ...page } = webSearch;
const interpreter = {
  type: "code_interpreter_call" as const,
  id: "ci_1",
  status: "completed" as const,
  code: "print(1)",
  container_id: "cntr_1",
  outputs: [{ type: "logs" as const, logs: "1" }],
};
const reasoning = {
  type: "reasoning" as const,
  id: "rs_1",
  status: "completed" as const,
  summary: [],
  encrypted_content: "gAAA",
};
const image = { type: "input_image" as const, image_url: "data:image/png;base64,AAAA", detail: "low" as const };
const userMessage: InputItem = {
  type: "message",
  id: "msg_2",
  role: "user",
  content: [{ type: "input_text", text: "What is this?" }, image],
};
const screenshot: InputItem = {
  type: "computer_call_output",
  id: "cco_1",
  call_id: "call_1",
  output: { type: "computer_screenshot", file_id: "file_1", image_url: "https://example.test/a.png" },
};

const done = (item: OutputItem): ItemEventDraft => ({ type: "response.output_item.done", output_index: 0, item });
const partDone = (part: typeof textPart): ItemEventDraft => ({ type: "response.content_part.done", ...AT, part });
const delta = (logprobs: typeof LOGPROBS): ItemEventDraft => ({
  type: "response.output_text.delta",
  ...AT,
  delta: "Hi",
  logprobs,
});
const textDone = (logprobs: typeof LOGPROBS): ItemEventDraft => ({
  type: "response.output_text.done",
  ...AT,
  text: "Hi",
  logprobs,
});
const withoutLogprobs = { ...message, content: [message.content[0]!, { ...textPart, logprobs: [] }] };

/**
 * `without` is the event when only this value is not included. It equals `event` where the value does not affect
 * events.
 */
const EVENTS: [Includable, event: ItemEventDraft, without: ItemEventDraft][] = [
  ["message.output_text.logprobs", delta(LOGPROBS), delta([])],
  ["message.output_text.logprobs", textDone(LOGPROBS), textDone([])],
  ["message.output_text.logprobs", partDone(textPart), partDone({ ...textPart, logprobs: [] })],
  ["message.output_text.logprobs", done(message), done(withoutLogprobs)],
  ["file_search_call.results", done(fileSearch), done({ ...fileSearch, results: null })],
  ["web_search_call.action.sources", done(webSearch), done({ ...webSearch, action: search })],
  ["web_search_call.results", done(webSearch), done({ ...webSearch, results: undefined } as OutputItem)],
  ["code_interpreter_call.outputs", done(interpreter), done({ ...interpreter, outputs: null })],
  [
    "code_interpreter_call.outputs",
    done({ ...interpreter, status: "in_progress" }),
    done({ ...interpreter, status: "in_progress", outputs: null }),
  ],
  ["reasoning.encrypted_content", done(reasoning), done(reasoning)],
  ["message.input_image.image_url", done(message), done(message)],
  ["computer_call_output.output.image_url", done(screenshot as OutputItem), done(screenshot as OutputItem)],
];

test("every value is in the tables", () => {
  expect(new Set(EVENTS.map(([value]) => value))).toEqual(new Set(ALL));
  expect(new Set(ITEMS.map(([value]) => value))).toEqual(new Set(ALL));
});

describe("recorded events", () => {
  test.each(EVENTS)("include %s: decides what of an event is recorded, %#", (value, event, without) => {
    const before = structuredClone(event);
    expect(toRecordedEvent(event, toIncluded(ALL))).toBe(event);
    expect(asJson(toRecordedEvent(event, allBut(value)))).toEqual(asJson(without));
    expect(event).toEqual(before);
  });

  test.each([
    ["an opened page", done({ ...page, action: { type: "open_page" as const, url: "u" } })],
    ["a call just added", done({ ...interpreter, status: "in_progress", outputs: [] })],
    ["a message without logprobs", done({ ...message, content: [] })],
    ["a text without logprobs", delta([])],
    [
      "another kind of event",
      { type: "response.web_search_call.searching", item_id: "ws_1", output_index: 0 } as const,
    ],
  ])("stay the same object where nothing is left out: %s", (_case, event) => {
    expect(toRecordedEvent(event, toIncluded(null))).toBe(event);
  });

  test("are a legal log for every include", () => {
    fc.assert(
      fc.property(legalItem, fc.subarray([...ALL]), (script, include) => {
        const grammar = new ItemGrammar();
        for (const event of script(0)) grammar.accept(toRecordedEvent(event, toIncluded(include)));
        grammar.checkAllDone({ type: "finish" });
      }),
    );
  });
});

const ITEMS: [Includable, item: InputItem | OutputItem, without: unknown][] = [
  ["message.output_text.logprobs", message, withoutLogprobs],
  ["file_search_call.results", fileSearch, { ...fileSearch, results: null }],
  ["web_search_call.action.sources", webSearch, { ...webSearch, action: search }],
  ["web_search_call.results", webSearch, { ...webSearch, results: undefined }],
  ["code_interpreter_call.outputs", interpreter, { ...interpreter, outputs: null }],
  ["reasoning.encrypted_content", reasoning, { ...reasoning, encrypted_content: undefined }],
  [
    "message.input_image.image_url",
    userMessage,
    { ...userMessage, content: [userMessage.content[0], { type: "input_image", detail: "low" }] },
  ],
  [
    "computer_call_output.output.image_url",
    screenshot,
    { ...screenshot, output: { type: "computer_screenshot", file_id: "file_1" } },
  ],
];

describe("listed items", () => {
  test.each(ITEMS)("include %s: decides what of an item is listed", (value, item, without) => {
    expect(toListedItem(item, toIncluded(ALL))).toBe(item);
    expect(asJson(toListedItem(item, allBut(value)))).toEqual(asJson(without));
  });

  test("keep a message with a string as it is", () => {
    const item: InputItem = { type: "message", role: "user", content: "Hello" };
    expect(toListedItem(item, toIncluded([]))).toBe(item);
  });
});

/** As sent: without undefined fields. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
