/** Chains of `previous_response_id`, especially long ones: their cost, and the error for a missing link. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCompletedEvent, createInProgressEvent } from "../../../../src/lifecycle/lifecycle-events.ts";
import { newResponse } from "../../../../src/lifecycle/new-response.ts";
import { newId } from "../../../../src/protocol/id.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { loadModelInput } from "../../../../src/responses/conversations/model-input.ts";
import { eraseResponse } from "../../../../src/responses/ending/erase-response.ts";
import { nearestLinksFor, MAX_LINKS } from "../../../../src/store/response-chain.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import { startCluster } from "../../../support/cluster.ts";
import { createAdmission } from "../../../support/admission.ts";
import { REQUEST, sampleRecord, USAGE } from "../../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

async function continueFrom(storage: TestStorage, previous_response_id: string): Promise<string> {
  const request = { ...REQUEST, previous_response_id };
  return (
    await createAdmission(storage).admit({
      project: "default",
      request,
      idempotencyKey: undefined,
    })
  ).id;
}

const text = (item: object) => ("content" in item ? (item.content as { text: string }[])[0]!.text : undefined);

/** A completed response with "answer <n>" to "question <n>", or with the given output. */
async function recordTurn(
  storage: TestStorage,
  n: number,
  ancestors: string[],
  otherOutput?: OutputItem[],
): Promise<string> {
  const id = newId("resp");
  const response = newResponse(id, REQUEST, 1_700_000_000);
  const started = createInProgressEvent(response);
  const content = [{ type: "output_text" as const, text: `answer ${n}`, annotations: [], logprobs: [] }];
  const item = { type: "message" as const, id: newId("msg"), role: "assistant" as const, content };
  const output = otherOutput ?? [{ ...item, status: "completed" as const }];
  const done = createCompletedEvent(started.response, { output, usage: USAGE }, 1_700_000_001);
  const record = sampleRecord({
    id,
    status: "completed" as "queued",
    request: { request: REQUEST, ancestors },
    input: [
      { type: "message", id: newId("msg"), role: "user", content: [{ type: "input_text", text: `question ${n}` }] },
    ],
    events: sequenceEvents(0, [{ type: "response.created", response }, started, done]),
  });
  await storage.records.create(record);
  return id;
}

/** Returns the ids, oldest first. Each response stores the links that admission would give it. */
async function recordChain(storage: TestStorage, length: number): Promise<string[]> {
  const ids: string[] = [];
  let links: string[] = [];
  for (let n = 0; n < length; n += 1) {
    const id = await recordTurn(storage, n, links);
    ids.push(id);
    links = nearestLinksFor(links, id);
  }
  return ids;
}

const expected = (length: number) => [
  ...Array.from({ length }, (_, n) => [`question ${n}`, `answer ${n}`]).flat(),
  "Hello",
];

describe("a chain of 1,000 links", () => {
  const LENGTH = 1_000;
  let storage: TestStorage;
  let ids: string[];
  beforeAll(async () => {
    storage = await openTestStorage();
    ids = await recordChain(storage, LENGTH);
  });
  afterAll(async () => await storage[Symbol.asyncDispose]());

  test("loads in order, with one command for many links", async () => {
    const sent = vi.spyOn(storage.redis, "sendCommand");
    const id = await continueFrom(storage, ids.at(-1)!);
    const toContinue = sent.mock.calls.length;
    const conversation = await loadModelInput(storage, id);
    const toLoad = sent.mock.calls.length - toContinue;
    sent.mockRestore();
    expect(conversation!.input.map(text)).toEqual(expected(LENGTH));
    expect(toContinue).toBeLessThan(LENGTH / MAX_LINKS + 20);
    expect(toLoad).toBeLessThan(LENGTH / 10);
  });

  test("is not copied into each response", async () => {
    const id = await continueFrom(storage, ids.at(-1)!);
    const sizes = await Promise.all([ids[10]!, id].map((each) => storage.redis.strlen(storage.layout.request(each))));
    expect(Math.max(...sizes)).toBeLessThan(4_000);
    expect((await storage.records.readRequest(id))!.ancestors.length).toBeLessThanOrEqual(MAX_LINKS);
  });
});

describe.each(["one Redis", "Redis Cluster"])("a chain on %s", (kind) => {
  let folder: string;
  let storage: TestStorage;
  let cluster: Awaited<ReturnType<typeof startCluster>> | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "chain-test-"));
    if (kind === "Redis Cluster") cluster = await startCluster(folder);
    storage = await openTestStorage(undefined, cluster?.url, cluster !== undefined);
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await Promise.all((cluster?.nodes ?? []).map((node) => node[Symbol.asyncDispose]()));
    await rm(folder, { recursive: true, force: true });
  });

  // Around the points where the links of one response end and those of another begin.
  test.each([1, 2, MAX_LINKS, MAX_LINKS + 1, MAX_LINKS + 2, 2 * MAX_LINKS + 1])("of %i links", async (length) => {
    const ids = await recordChain(storage, length);
    const id = await continueFrom(storage, ids.at(-1)!);
    expect((await loadModelInput(storage, id))!.input.map(text)).toEqual(expected(length));
  });

  test("two responses continue from the same link", async () => {
    const ids = await recordChain(storage, MAX_LINKS + 3);
    const branches = await Promise.all([1, 2].map(() => continueFrom(storage, ids[MAX_LINKS]!)));
    for (const id of branches) {
      expect((await loadModelInput(storage, id))!.input.map(text)).toEqual(expected(MAX_LINKS + 1));
    }
  });

  test.each([0, 7, MAX_LINKS - 1, MAX_LINKS, MAX_LINKS + 1, 2 * MAX_LINKS])(
    "whose link %i is deleted is refused, and names it",
    async (index) => {
      const ids = await recordChain(storage, 2 * MAX_LINKS + 2);
      const accepted = await continueFrom(storage, ids.at(-1)!);
      await eraseResponse(storage, ids[index]!, (await storage.records.read(ids[index]!))!);
      await expect(continueFrom(storage, ids.at(-1)!)).rejects.toMatchObject({
        code: "previous_response_not_found",
        message: `Previous response with id '${ids[index]}' not found.`,
      });
      await expect(loadModelInput(storage, accepted)).rejects.toThrow(ids[index]);
    },
  );

  test.each([
    ["another project's link", "project", "another"],
    ["a link during its deletion", "deleted", "1"],
  ])("with %s is rejected by id", async (_which, field, value) => {
    const ids = await recordChain(storage, MAX_LINKS + 2);
    await storage.redis.hset(storage.layout.meta(ids[3]!), field, value);
    await expect(continueFrom(storage, ids.at(-1)!)).rejects.toMatchObject({
      message: `Previous response with id '${ids[3]}' not found.`,
    });
  });

  test("cannot be continued from a link that still runs", async () => {
    const running = await createAdmission(storage).admit({
      project: "default",
      request: REQUEST,
      idempotencyKey: undefined,
    });
    await expect(continueFrom(storage, running.id)).rejects.toMatchObject({ code: "previous_response_not_finished" });
  });
});

test("a conversation deleted while its response is queued is named", async () => {
  await using storage = await openTestStorage();
  const conversation = newId("conv");
  const fields = { id: conversation, object: "conversation", created_at: 1, metadata: {} } as const;
  await storage.conversations.create(fields, "default", []);
  const { id } = await createAdmission(storage).admit({
    project: "default",
    request: { ...REQUEST, conversation },
    idempotencyKey: undefined,
  });
  await expect(loadModelInput(storage, id)).resolves.toBeDefined();
  await storage.conversations.erase(conversation);
  await expect(loadModelInput(storage, id)).rejects.toThrow(`The conversation '${conversation}' was deleted`);
});

test("of cut-off items, a message stays and a call is left out", async () => {
  await using storage = await openTestStorage();
  const content = [{ type: "output_text" as const, text: "half an ans", annotations: [], logprobs: [] }];
  const id = await recordTurn(
    storage,
    0,
    [],
    [
      { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a', status: "incomplete" },
      { type: "message", id: "msg_1", role: "assistant", status: "incomplete", content },
    ],
  );
  const { input } = (await loadModelInput(storage, await continueFrom(storage, id)))!;
  expect(input.map(text)).toEqual(["question 0", "half an ans", "Hello"]);
});
