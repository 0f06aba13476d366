import { describe, expect, test } from "vitest";
import { describeItem } from "../../../../../src/console/page/run/describe-item.ts";
import { foldEvents } from "../../../../../src/lifecycle/apply-event.ts";
import { createOpeningEvents } from "../../../../../src/lifecycle/new-response.ts";
import { EVERY_KIND, eventsOf } from "../../../../support/every-item.ts";
import { sampleResponse } from "../../../../support/samples.ts";

const { output } = foldEvents([...createOpeningEvents(sampleResponse()), ...eventsOf(EVERY_KIND)])!.response;

test.each(output.map((item) => [item.type, item] as const))("%s has a title for people", (_type, item) => {
  const { title } = describeItem(item, true);
  expect(title).not.toMatch(/_|undefined|^$/);
});

describe("the outcome of an item", () => {
  const search = { type: "web_search_call", id: "ws_1", action: { type: "search", query: "q" } } as const;

  test.each([
    ["in_progress", false, "running"],
    ["completed", true, "done"],
    ["failed", true, "failed"],
    ["incomplete", true, "cut off"],
  ] as const)("%s, done: %s, is %s", (status, isDone, outcome) => {
    expect(describeItem({ ...search, status }, isDone).outcome).toBe(outcome);
  });

  test("of an MCP call with an error is failed", () => {
    const error = { type: "http_error", code: 500, message: "It broke." } as const;
    const item = { type: "mcp_call", id: "mcp_1", server_label: "srv", name: "look", arguments: "{}", error } as const;
    expect(describeItem(item, true)).toMatchObject({ title: "Called srv.look", outcome: "failed" });
  });
});

test("a long detail is shortened", () => {
  const item = {
    type: "function_call",
    id: "fc_1",
    call_id: "c",
    name: "f",
    arguments: "x".repeat(10_000),
    status: "completed",
  } as const;
  expect(describeItem(item, true).detail!.length).toBeLessThan(400);
});
