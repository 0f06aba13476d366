/** Errors of a request that depend on earlier responses (contract.md#error-catalogue). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCompletedEvent, createInProgressEvent } from "../../../../src/lifecycle/lifecycle-events.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import { newId } from "../../../../src/protocol/id.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import { createAdmission } from "../../../support/admission.ts";
import { REQUEST, sampleRecord, sampleResponse, USAGE } from "../../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

function admit(fields: Partial<CreateRequest>) {
  const request = { ...REQUEST, ...fields };
  return createAdmission(storage).admit({ project: "default", request, idempotencyKey: undefined });
}

/** A response that has ended with `output`. */
async function ended(output: OutputItem[]): Promise<string> {
  const id = newId("resp");
  const response = sampleResponse({}, id);
  const started = createInProgressEvent(response);
  const done = createCompletedEvent(started.response, { output, usage: USAGE }, 1_700_000_001);
  const events = sequenceEvents(0, [{ type: "response.created", response }, started, done]);
  await storage.records.create(sampleRecord({ id, status: "completed" as "queued", events }));
  return id;
}

const CALL = { type: "function_call", call_id: "call_x", name: "f", arguments: "{}" } as const;
const OUTPUT = { type: "function_call_output", call_id: "call_x", output: "42" } as const;
const UNANSWERED = {
  status: 400,
  param: "input",
  code: null,
  message: "No tool output found for function call call_x.",
};

test("previous_response_id unknown", async () => {
  const previous_response_id = newId("resp");
  const message = `Previous response with id '${previous_response_id}' not found.`;
  await expect(admit({ previous_response_id })).rejects.toMatchObject({
    status: 400,
    param: "previous_response_id",
    code: "previous_response_not_found",
    message,
  });
});

test("previous_response_id bad prefix", async () => {
  const message = "Invalid 'previous_response_id': 'gen-123'. Expected an ID that begins with 'resp'.";
  await expect(admit({ previous_response_id: "gen-123" })).rejects.toMatchObject({
    status: 400,
    param: "previous_response_id",
    code: "invalid_id_prefix",
    message,
  });
});

test("item_reference unknown", async () => {
  await expect(admit({ input: [{ type: "item_reference", id: "rs_x" }] })).rejects.toMatchObject({
    status: 404,
    param: "input",
    code: null,
    message: expect.stringMatching(
      /^Item with id 'rs_x' not found\. Items are not persisted when `store` is set to false/,
    ),
  });
});

test("two items with one id are rejected, since listings page by id", async () => {
  const message = "Duplicate item found with id msg_1. Remove duplicate items from your input and try again.";
  const item = { type: "message" as const, role: "user" as const, content: "Hello", id: "msg_1" };
  const twice = { status: 400, param: "input", code: null, message };
  await expect(admit({ input: [item, { ...item, content: "Again" }] })).rejects.toMatchObject(twice);
  await expect(admit({ input: [item, { ...item, id: null }, { ...item, id: null }] })).resolves.toBeDefined();
  const reference = { type: "item_reference" as const, id: "msg_1" };
  await expect(admit({ input: [reference, reference] })).rejects.toMatchObject(twice);
  await expect(admit({ input: [item, reference] })).rejects.toMatchObject(twice);
  await expect(admit({ input: [reference] })).resolves.toBeDefined();
});

test("an item of an unstored response cannot be referenced", async () => {
  const item = { type: "message" as const, role: "user" as const, content: "Hello", id: "msg_unstored" };
  await admit({ store: false, input: [item] });
  const refer = () => admit({ input: [{ type: "item_reference", id: "msg_unstored" }] });
  await expect(refer()).rejects.toMatchObject({ status: 404, param: "input" });
  await admit({ input: [item] });
  await expect(refer()).resolves.toMatchObject({ isReplay: false });
});

test("function_call without output, in one request", async () => {
  await expect(admit({ input: [CALL] })).rejects.toMatchObject(UNANSWERED);
  await expect(admit({ input: [CALL, { ...OUTPUT, call_id: "call_y" }] })).rejects.toMatchObject(UNANSWERED);
  await expect(admit({ input: [CALL, OUTPUT] })).resolves.toMatchObject({ isReplay: false });
  await expect(admit({ input: [{ ...CALL, async: true }] })).resolves.toMatchObject({ isReplay: false });
});

test("function_call without output, called in the response before", async () => {
  const previous_response_id = await ended([{ ...CALL, id: "fc_1", status: "completed" }]);
  await expect(admit({ previous_response_id })).rejects.toMatchObject(UNANSWERED);
  await expect(admit({ previous_response_id, input: [OUTPUT] })).resolves.toMatchObject({ isReplay: false });
  const cutOff = await ended([{ ...CALL, id: "fc_1", status: "incomplete" }]);
  await expect(admit({ previous_response_id: cutOff })).resolves.toMatchObject({ isReplay: false });
});

test("parameters that are only shown appear in event and answer", async () => {
  const { id, json } = await admit({ user: "u", top_logprobs: 3, max_tool_calls: 2, safety_identifier: "s" });
  expect(JSON.parse(json)).toMatchObject({ id, user: "u", top_logprobs: 3, max_tool_calls: 2, safety_identifier: "s" });
});

test("a full project's response that has ended makes room, though its worker has not left yet", async () => {
  const admission = createAdmission(storage, { limits: { maxOpenPerProject: 1 } });
  const request = { project: "narrow", request: REQUEST, idempotencyKey: undefined };
  const { id } = await admission.admit(request);
  await expect(admission.admit(request)).rejects.toMatchObject({ status: 429 });
  await storage.redis.hset(storage.layout.meta(id), "status", "completed");
  await expect(admission.admit(request)).resolves.toMatchObject({ isReplay: false });
});
