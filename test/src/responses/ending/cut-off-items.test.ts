/** The model never sees an incomplete item: a provider rejects half a call. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ResolvedRequest } from "../../../../src/protocol/create-request.ts";
import type { ConversationItem } from "../../../../src/protocol/conversation.ts";
import { newId } from "../../../../src/protocol/id.ts";
import type { InputItem } from "../../../../src/protocol/item.ts";
import { loadModelInput } from "../../../../src/responses/conversations/model-input.ts";
import { toStoredInput } from "../../../../src/responses/admission/stored-input.ts";
import { previewModelInput } from "../../../../src/responses/admission/preview-model-input.ts";
import { LIMITS, REQUEST, sampleRecord } from "../../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const said = [{ type: "output_text" as const, text: "Half a sen", annotations: [], logprobs: [] }];
const call = { call_id: "call_1", name: "f", arguments: '{"a":"hal' };
const CALL: InputItem & ConversationItem = { type: "function_call", id: "fc_1", ...call, status: "incomplete" };
const OUTPUT: InputItem = { type: "function_call_output", call_id: "call_1", output: "42", status: "incomplete" };
const CUT_OFF: (InputItem & ConversationItem)[] = [
  { type: "reasoning", id: "rs_1", status: "incomplete", summary: [] },
  { type: "web_search_call", id: "ws_1", status: "incomplete", action: { type: "search", query: "q" } },
  { type: "message", id: "msg_1", role: "assistant", status: "incomplete", content: said },
  { type: "custom_tool_call", id: "ctc_1", call_id: "call_2", name: "g", input: "hal", status: "incomplete" },
  CALL,
];

/** The ids of the items for the model, in a run and in a token count. */
async function shown(request: ResolvedRequest): Promise<unknown[]> {
  const id = newId("resp");
  const { input, ...rest } = request;
  await storage.records.create(
    sampleRecord({ id, request: { request: rest, ancestors: [] }, input: await toStoredInput(structuredClone(input)) }),
  );
  const [run, counted] = await Promise.all([
    loadModelInput(storage, id).then((conversation) => conversation!.input),
    previewModelInput(storage, LIMITS, "default", structuredClone(request)),
  ]);
  const names = run.map((item) => ("call_id" in item ? item.call_id : item.id));
  expect(counted.map((item) => ("call_id" in item ? item.call_id : item.id))).toEqual(names);
  return names;
}

const GO_ON = { type: "message", role: "user", content: "Go on.", id: "msg_2" } as const;

test("in a conversation with a cut-off answer", async () => {
  const conversation = newId("conv");
  const fields = { id: conversation, object: "conversation", created_at: 1, metadata: {} } as const;
  await storage.conversations.create(fields, "default", CUT_OFF);
  await expect(shown({ ...REQUEST, conversation, input: [GO_ON] })).resolves.toEqual(["msg_1", "msg_2"]);
});

test("in items that a client sends back unchanged", async () => {
  await expect(shown({ ...REQUEST, input: [...CUT_OFF, GO_ON] })).resolves.toEqual(["msg_1", "msg_2"]);
});

test("but an answered item stays with its answer", async () => {
  await expect(shown({ ...REQUEST, input: [CALL, OUTPUT, GO_ON] })).resolves.toEqual(["call_1", "call_1", "msg_2"]);
});
