import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEvent, foldEvents, IllegalEventError, type ResponseState } from "../../../src/lifecycle/apply-event.ts";
import {
  createCancelledEvent,
  createItemClosingEvents,
  createCompletedEvent,
  createFailedEvent,
  responseError,
  createInProgressEvent,
  createIncompleteEvent,
} from "../../../src/lifecycle/lifecycle-events.ts";
import { createOpeningEvents } from "../../../src/lifecycle/new-response.ts";
import type { EventDraft } from "../../../src/protocol/event.ts";
import { responseSchema } from "../../../src/protocol/response.ts";
import { messageEvents, openingState, sampleResponse, USAGE } from "../../support/samples.ts";

function apply(state: ResponseState, events: readonly EventDraft[]): ResponseState {
  return events.reduce(applyEvent, state);
}

describe("folding", () => {
  test("a message grows by its deltas and is complete when done", () => {
    const events = messageEvents(0, ["Hello", ", ", "world"]);
    const half = apply(openingState(), events.slice(0, 4));
    expect(half.response.output[0]).toMatchObject({ status: "in_progress", content: [{ text: "Hello, " }] });
    expect([...half.openIndices]).toEqual([0]);
    const whole = apply(half, events.slice(4));
    expect(whole.response.output[0]).toMatchObject({ status: "completed", content: [{ text: "Hello, world" }] });
    expect(whole.openIndices.size).toBe(0);
  });

  test("leaves its arguments unchanged", () => {
    const state = apply(openingState(), messageEvents(0, ["a", "b"]).slice(0, 3));
    const before = structuredClone(state);
    apply(state, messageEvents(0, ["a", "b"]).slice(3));
    expect(state).toEqual(before);
  });

  test("arguments, reasoning summaries, refusals and annotations are folded too", () => {
    const state = apply(openingState(), [
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { type: "reasoning", id: "rs_1", summary: [] },
      },
      {
        type: "response.reasoning_summary_part.added",
        item_id: "rs_1",
        output_index: 0,
        summary_index: 0,
        part: { type: "summary_text", text: "" },
      },
      {
        type: "response.reasoning_summary_text.delta",
        item_id: "rs_1",
        output_index: 0,
        summary_index: 0,
        delta: "Think",
      },
      { type: "response.reasoning_text.delta", item_id: "rs_1", output_index: 0, content_index: 0, delta: "raw" },
      {
        type: "response.output_item.added",
        output_index: 1,
        item: { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "", status: "in_progress" },
      },
      { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 1, delta: '{"a"' },
      { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 1, delta: ":1}" },
      {
        type: "response.output_item.added",
        output_index: 2,
        item: { type: "message", id: "msg_1", role: "assistant", status: "in_progress", content: [] },
      },
      {
        type: "response.content_part.added",
        item_id: "msg_1",
        output_index: 2,
        content_index: 0,
        part: { type: "refusal", refusal: "" },
      },
      { type: "response.refusal.delta", item_id: "msg_1", output_index: 2, content_index: 0, delta: "No." },
      {
        type: "response.content_part.added",
        item_id: "msg_1",
        output_index: 2,
        content_index: 1,
        part: { type: "output_text", text: "x", annotations: [] },
      },
      {
        type: "response.output_text.annotation.added",
        item_id: "msg_1",
        output_index: 2,
        content_index: 1,
        annotation_index: 0,
        annotation: { type: "url_citation", url: "https://example.org", title: "x", start_index: 0, end_index: 1 },
      },
    ]);
    expect(state.response.output).toMatchObject([
      { summary: [{ text: "Think" }], content: [{ text: "raw" }] },
      { arguments: '{"a":1}' },
      { content: [{ refusal: "No." }, { annotations: [{ type: "url_citation" }] }] },
    ]);
  });

  test("a repeated annotation replaces itself", () => {
    const [added, part] = messageEvents(0, []);
    const citation = { type: "url_citation" as const, url: "https://example.org", start_index: 0, end_index: 1 };
    const annotate = (annotation_index: number, title: string): EventDraft => ({
      type: "response.output_text.annotation.added",
      output_index: 0,
      content_index: 0,
      item_id: "msg_1",
      annotation_index,
      annotation: { ...citation, title },
    });
    const events = [added!, part!, annotate(0, "first"), annotate(1, "second"), annotate(0, "first again")];
    const titles = [{ title: "first again" }, { title: "second" }];
    const { output } = apply(openingState(), events).response;
    expect(output).toMatchObject([{ content: [{ annotations: titles }] }]);
  });

  test("an index out of order, unknown or closed is rejected", () => {
    const [added, , delta] = messageEvents(1, ["a"]);
    expect(() => applyEvent(openingState(), added!)).toThrow(IllegalEventError);
    expect(() => applyEvent(openingState(), delta!)).toThrow(IllegalEventError);
    const done = apply(openingState(), messageEvents(0, ["a"]));
    expect(() => applyEvent(done, messageEvents(0, ["a"]).at(-1)!)).toThrow(IllegalEventError);
  });

  test("a log that does not begin with response.created is rejected", () => {
    expect(() => foldEvents(messageEvents(0, ["a"]))).toThrow("a log begins with response.created");
  });

  test("folding in two parts equals folding at once, at every cut", () => {
    const words = fc.array(fc.string(), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(words, { maxLength: 4 }), fc.nat(), (messages, cut) => {
        const opening = createOpeningEvents(sampleResponse());
        const events = [...opening, ...messages.flatMap((each, i) => messageEvents(i, each))];
        const at = cut % (events.length + 1);
        const inTwo = foldEvents(events.slice(at), foldEvents(events.slice(0, at)));
        expect(inTwo).toEqual(foldEvents(events));
      }),
    );
  });
});

describe("ends", () => {
  const running = apply(openingState(), [createInProgressEvent(openingState().response), ...messageEvents(0, ["a"])]);
  const { output } = running.response;

  test.each([
    ["completed", createCompletedEvent(running.response, { output, usage: USAGE }, 1_700_000_009)],
    ["incomplete", createIncompleteEvent(running.response, { output, usage: USAGE }, { reason: "max_output_tokens" })],
    ["failed", createFailedEvent(running.response, responseError("server_error", "It broke."))],
    ["cancelled", createCancelledEvent(running.response)],
  ] as const)("%s is a valid response, and the fold of the log is its event's response", (status, event) => {
    const ended = applyEvent(running, event);
    expect(responseSchema.parse(ended.response)).toEqual(event.response);
    expect(ended.response.status).toBe(status);
    expect(ended.openIndices.size).toBe(0);
  });

  test("completed_at, error and incomplete_details exist exactly for their statuses", () => {
    const completed = createCompletedEvent(running.response, { output, usage: USAGE }, 7).response;
    expect([completed.completed_at, completed.error, completed.incomplete_details]).toEqual([7, null, null]);
    const failed = createFailedEvent(running.response, responseError("server_error", "It broke.")).response;
    expect(failed.completed_at).toBeNull();
    expect(failed.error).toEqual({ code: "server_error", type: "server_error", message: "It broke.", param: null });
  });

  test.each([
    ["auto", "default"],
    ["fast", "priority"],
    ["flex", "flex"],
  ] as const)("a service_tier of %s is %s in the end, unless the provider says which it was", (asked, shown) => {
    const response = { ...running.response, service_tier: asked };
    const ending = { output, usage: USAGE };
    const reported = { ...ending, serviceTier: "scale" as const };
    for (const end of [
      (given: typeof ending) => createCompletedEvent(response, given, 7),
      (given: typeof ending) => createIncompleteEvent(response, given, { reason: "max_output_tokens" }),
    ]) {
      expect([end(ending).response.service_tier, end(reported).response.service_tier]).toEqual([shown, "scale"]);
    }
  });

  test("open items close as incomplete with their content so far", () => {
    const cut = apply(openingState(), messageEvents(0, ["half", " of it"]).slice(0, 3));
    const closed = apply(cut, createItemClosingEvents(cut.response, cut.openIndices));
    expect(closed.response.output).toMatchObject([{ status: "incomplete", content: [{ text: "half" }] }]);
    expect(closed.openIndices.size).toBe(0);
  });
});
