import { expect, test } from "vitest";
import { ApiError } from "../../../src/lifecycle/errors/api-error.ts";
import { IllegalTransitionError, nextStatus, TRANSITIONS, type Trigger } from "../../../src/lifecycle/status.ts";
import { TERMINAL_STATUSES } from "../../../src/protocol/response.ts";

const TRIGGERS: Trigger[] = ["start", "complete", "stop", "fail", "cancel"];

test.each([
  ["queued", "start", "in_progress"],
  ["queued", "fail", "failed"],
  ["queued", "cancel", "cancelled"],
  ["in_progress", "start", "in_progress"],
  ["in_progress", "complete", "completed"],
  ["in_progress", "stop", "incomplete"],
  ["in_progress", "fail", "failed"],
  ["in_progress", "cancel", "cancelled"],
  ["cancelled", "cancel", "cancelled"],
] as const)("%s + %s leads to %s", (status, trigger, expected) => {
  expect(nextStatus(status, trigger)).toBe(expected);
});

test.each(TERMINAL_STATUSES)("nothing leaves %s", (status) => {
  for (const trigger of TRIGGERS) expect(TRANSITIONS[status][trigger].kind).not.toBe("move");
});

test.each([
  ["completed", "Cannot cancel a completed response."],
  ["failed", "Cannot cancel a failed response."],
  ["incomplete", "Cannot cancel an incomplete response."],
] as const)("cancelling what is %s is the contract's 400", (status, message) => {
  expect(() => nextStatus(status, "cancel")).toThrow(ApiError);
  expect(() => nextStatus(status, "cancel")).toThrow(message);
});

test("a queued response cannot complete", () => {
  expect(() => nextStatus("queued", "complete")).toThrow(IllegalTransitionError);
});
