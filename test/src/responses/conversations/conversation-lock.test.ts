/** The turn that a response adds to its conversation, and the lock that it holds until then. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createCompletedEvent,
  createFailedEvent,
  responseError,
  createIncompleteEvent,
} from "../../../../src/lifecycle/lifecycle-events.ts";
import type { LifecycleEventDraft } from "../../../../src/protocol/event.ts";
import { newId } from "../../../../src/protocol/id.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { Response } from "../../../../src/protocol/response.ts";
import {
  lockForResponse,
  appendAndUnlock,
  unlockIfEnded,
} from "../../../../src/responses/conversations/conversation-lock.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import { createAdmission } from "../../../support/admission.ts";
import { REQUEST, sampleRecord, sampleResponse, USAGE } from "../../../support/samples.ts";
import { openTestStorage, silentLogger, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

async function openConversation(): Promise<string> {
  const id = newId("conv");
  const conversation = { id, object: "conversation", created_at: 1_700_000_000, metadata: {} } as const;
  await storage.conversations.create(conversation, "default", []);
  return id;
}

const ANSWER: OutputItem = {
  type: "message",
  id: "msg_answer",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: "The answer.", annotations: [], logprobs: [] }],
};
const ENDING = { output: [ANSWER], usage: USAGE };

test.each<[string, (running: Response) => LifecycleEventDraft, string[]]>([
  ["completed", (running) => createCompletedEvent(running, ENDING, 1_700_000_001), ["msg_question", "msg_answer"]],
  [
    "incomplete",
    (running) => createIncompleteEvent(running, ENDING, { reason: "max_output_tokens" }),
    ["msg_question", "msg_answer"],
  ],
  ["failed", (running) => createFailedEvent(running, responseError("server_error", "It broke.")), []],
])("a response that is %s", async (status, end, added) => {
  const conversationId = await openConversation();
  const response = sampleResponse({ background: false });
  const { id } = response;
  await lockForResponse(storage, conversationId, "default", id, silentLogger);
  const events = sequenceEvents(0, [{ type: "response.created", response }, end(response)]);
  const input = [{ type: "message" as const, id: "msg_question", role: "user" as const, content: "The question?" }];
  await storage.records.create(sampleRecord({ id, status: status as "queued", conversationId, events, input }));
  await appendAndUnlock(storage, conversationId, id);
  expect((await storage.conversations.readItems(conversationId)).map((item) => item.id)).toEqual(added);
  expect((await storage.conversations.readOwned(conversationId, "default"))?.lock).toBe("");
});

test("a holder in admission keeps the lock before it has a record", async () => {
  const conversationId = await openConversation();
  const [holder, other] = [newId("resp"), newId("resp")];
  await storage.inFlight.add(holder, Date.now());
  await lockForResponse(storage, conversationId, "default", holder, silentLogger);
  await expect(lockForResponse(storage, conversationId, "default", other, silentLogger)).rejects.toMatchObject({
    code: "conversation_locked",
  });
  expect(await unlockIfEnded(storage, conversationId, holder, silentLogger)).toBe(false);
  await storage.inFlight.forceRemove(holder, undefined);
  await lockForResponse(storage, conversationId, "default", other, silentLogger);
  expect((await storage.conversations.readOwned(conversationId, "default"))?.lock).toBe(other);
});

test("two concurrent requests with one Idempotency-Key are one response, counted once", async () => {
  const conversation = await openConversation();
  const admit = () =>
    createAdmission(storage, { limits: { maxOpenPerProject: 1, maxRequestsPerMinute: 2 } }).admit({
      project: "default",
      request: { ...REQUEST, conversation },
      idempotencyKey: "once",
    });
  const [first, second] = await Promise.all([admit(), admit()]);
  expect(second.id).toBe(first.id);
  expect([first, second].filter(({ isReplay }) => isReplay)).toHaveLength(1);
  expect(await storage.projectLimits.readRequestRate("default", 2)).toMatchObject({ remaining: 1 });
  expect(await storage.inFlight.listOfProject("default", 10)).toEqual([first.id]);
});
