/** The list of responses: its entries, and what crashes, deletions and the last release leave to it. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  createCancelledEvent,
  createCompletedEvent,
  createFailedEvent,
  createIncompleteEvent,
  responseError,
} from "../../../../src/lifecycle/lifecycle-events.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import type { EventDraft, LifecycleEventDraft } from "../../../../src/protocol/event.ts";
import { newId } from "../../../../src/protocol/id.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { Response } from "../../../../src/protocol/response.ts";
import type { ResponseListQuery } from "../../../../src/protocol/response-list.ts";
import { endFromOutside } from "../../../../src/responses/ending/end-from-outside.ts";
import { eraseResponse } from "../../../../src/responses/ending/erase-response.ts";
import { settleEndedResponse } from "../../../../src/responses/ending/settle-ended-response.ts";
import { prepareEnd } from "../../../../src/responses/reading/item-references.ts";
import { listResponses } from "../../../../src/responses/reading/list-responses.ts";
import { readResponse } from "../../../../src/responses/reading/read-response.ts";
import type { ResponseContext } from "../../../../src/responses/storage.ts";
import { ResponseList } from "../../../../src/store/lists/response-list.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import { ResponseSweeper } from "../../../../workers/jobs/response-sweeper.ts";
import { connect } from "../../../../src/redis/connect.ts";
import { createAdmission } from "../../../support/admission.ts";
import { messageEvents, REQUEST, sampleRecord, USAGE } from "../../../support/samples.ts";
import { testRedisUrl } from "../../../support/redis.ts";
import { openTestStorage, silentLogger, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
let sweeper: ResponseSweeper;
let project: string;
beforeAll(async () => {
  storage = await openTestStorage();
  sweeper = new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 3, owner: "test" });
});
beforeEach(() => {
  project = newId("item", 8);
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

const NO_LIMITS = { maxOpen: 0, maxStoredBytes: 0, maxRequestsPerMinute: 0, maxTokensPerMinute: 0 };

interface Page {
  data: (Partial<Response> & { id: string })[];
  has_more: boolean;
  last_id: string | null;
}

async function list(query: Partial<ResponseListQuery> = {}): Promise<Page> {
  return JSON.parse(await listResponses(storage, project, { limit: 20, order: "desc", ...query })) as Page;
}
const idsOf = ({ data }: Page) => data.map(({ id }) => id);

async function admit(request: Partial<CreateRequest> = {}, context: ResponseContext = storage): Promise<string> {
  const admission = createAdmission(context);
  const body = { ...REQUEST, ...request };
  return (await admission.admit({ project, request: body, idempotencyKey: undefined })).id;
}

async function readCurrent(id: string): Promise<Response> {
  return JSON.parse((await readResponse(storage, id))!.json) as Response;
}

type End = (response: Response) => LifecycleEventDraft;
const answer = messageEvents(0, ["Hello"]).flatMap((event) =>
  event.type === "response.output_item.done" ? [event.item] : [],
);
const complete =
  (output: OutputItem[] = answer): End =>
  (response) =>
    createCompletedEvent(response, { output, usage: USAGE }, 1_700_000_009);

/** Appends the terminal event, as a worker does before it settles the end. */
async function append(id: string, end: End = complete(), { isPrepared = true } = {}): Promise<Response> {
  const acquired = await storage.leases.acquire(id, Date.now(), 5, "test");
  if (acquired.kind !== "held") throw new Error(acquired.kind);
  const { lease, last } = acquired;
  const { response } = end({ ...(await readCurrent(id)), status: "in_progress" } as Response);
  if (isPrepared) await prepareEnd(storage, id, response.output);
  const type = response.status === "cancelled" ? "failed" : response.status;
  const events = sequenceEvents(last + 1, [{ type: `response.${type}`, response }]);
  const outcome = await storage.log.append(id, { lease, first: last + 1, events, status: response.status });
  expect(outcome.kind).toBe("appended");
  return response;
}

async function end(id: string, how?: End): Promise<void> {
  await settleEndedResponse(storage, id, await append(id, how));
}

const OUTCOME = { flagged: false, categories: {}, category_scores: {}, category_applied_input_types: {} };
const moderation = { input: OUTCOME, output: OUTCOME } as unknown as Response["moderation"] & object;
const report = { toolUsage: { web_search: { num_requests: 3 } }, moderation };
const ENDS: Record<string, End> = {
  completed: (response) =>
    createCompletedEvent(response, { output: answer, usage: USAGE, serviceTier: "flex", report }, 1_700_000_009),
  incomplete: (response) =>
    createIncompleteEvent(response, { output: answer, usage: USAGE, report }, { reason: "max_output_tokens" }),
  failed: (response) => createFailedEvent(response, responseError("server_error", "No."), USAGE, report),
  cancelled: createCancelledEvent,
};

test.each(Object.entries(ENDS))("the entry of a %s response is what GET shows", async (status, how) => {
  const id = await admit({ metadata: { color: "red" }, instructions: "Be brief.", service_tier: "auto" });
  await append(id, how);
  const { output: _output, ...shown } = await readCurrent(id);
  expect(shown.status).toBe(status);
  // Before the worker settles the end, and after.
  expect((await list()).data).toEqual([shown]);
  await settleEndedResponse(storage, id, await readCurrent(id));
  expect((await list()).data).toEqual([shown]);
  expect((await list({ include: ["output"] })).data).toEqual([await readCurrent(id)]);
});

test("an end is listed at once, and stays if its worker crashes there", async () => {
  const id = await admit();
  await append(id);
  const lists = async () => [
    idsOf(await list({ status: ["completed"] })),
    idsOf(await list({ status: ["queued", "in_progress"] })),
    idsOf(await list({ model: REQUEST.model, status: ["completed", "failed"] })),
  ];
  expect(await lists()).toEqual([[id], [], [id]]);
  await sweeper.sweep();
  expect(await storage.inFlight.acceptedAtMs(id)).toBeUndefined();
  expect(await lists()).toEqual([[id], [], [id]]);
});

test("a filter separates queued from running responses", async () => {
  const [queued, running] = [await admit(), await admit()];
  const acquired = await storage.leases.acquire(running, Date.now(), 5, "test");
  if (acquired.kind !== "held") throw new Error(acquired.kind);
  const response = { ...(await readCurrent(running)), status: "in_progress" };
  const [event] = sequenceEvents(acquired.last + 1, [{ type: "response.in_progress", response } as EventDraft]);
  const batch = { lease: acquired.lease, first: acquired.last + 1, events: [event!], status: "in_progress" } as const;
  await storage.log.append(running, batch);
  expect(idsOf(await list({ status: ["queued"] }))).toEqual([queued]);
  expect(idsOf(await list({ status: ["in_progress"] }))).toEqual([running]);
  expect((await list({ status: ["in_progress"] })).data[0]).toMatchObject({ id: running, status: "in_progress" });
  expect((await list()).data).toHaveLength(2);
});

test("a crash during acceptance lists nothing, and leaves nothing", async () => {
  const id = newId("resp");
  const addition = { id, project, nowMs: storage.clock.nowMs() - 60_000, bytes: 1, listTokens: "all open" };
  await storage.inFlight.addWithinLimits(addition, NO_LIMITS);
  expect(idsOf(await list())).toEqual([]);
  await sweeper.sweep();
  await sweeper.sweep();
  expect(await storage.responseList.index.findPosition(project, id)).toBeUndefined();
});

test("a sweep lists what the last release accepted and ended", async () => {
  const running = sampleRecord({ project, createdAtMs: storage.clock.nowMs() });
  await storage.inFlight.add(running.id, running.createdAtMs);
  await storage.records.create(running);
  const ended = await admit({ metadata: { color: "red" } });
  await append(ended, complete(), { isPrepared: false });
  await storage.redis.zrem(storage.layout.inFlight, ended);
  await sweeper.sweep();
  expect(idsOf(await list({ status: ["completed"], metadata: { color: "red" } }))).toEqual([ended]);
  expect(idsOf(await list({ status: ["queued"], model: REQUEST.model, background: true }))).toEqual([running.id]);
});

test("a response that a failover revived is listed as running", async () => {
  const id = await admit();
  const { redis, layout } = storage;
  const keys = [layout.meta(id), layout.events(id)];
  const before = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  await end(id);
  // A replica without the end was promoted, and a reader restored the response.
  for (const [i, key] of keys.entries()) await redis.restore(key, 0, before[i]!, "REPLACE");
  await storage.inFlight.add(id, Date.now());
  await sweeper.sweep();
  expect(idsOf(await list({ status: ["queued"] }))).toEqual([id]);
  expect(idsOf(await list({ status: ["completed"] }))).toEqual([]);
  await end(id, ENDS["failed"]);
  expect((await list({ status: ["failed"] })).data).toMatchObject([{ id, status: "failed" }]);
});

test("a deleted response leaves every list, also after a crash", async () => {
  const [first, second, third] = [await admit(), await admit(), await admit()];
  await end(second);
  await endFromOutside(storage, third, "cancel");
  await eraseResponse(storage, first, (await storage.records.read(first))!);
  // Crashed before the list was changed.
  await storage.records.erase(second, 0);
  expect(idsOf(await list())).toEqual([third]);
  expect(idsOf(await list({ after: second }))).toEqual([]);
  expect(idsOf(await list({ after: first, order: "asc" }))).toEqual([third]);
});

test("a page of large entries ends early, and the next continues", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i += 1) ids.unshift(await admit({ instructions: `${i}`.repeat(1_500_000) }));
  const pages: string[][] = [];
  for (let after: string | null = null; ;) {
    const page: Page = await list(after === null ? {} : { after });
    pages.push(idsOf(page));
    after = page.last_id;
    if (!page.has_more) break;
  }
  expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  const last = await list({ before: ids[4]!, limit: 3 });
  expect([idsOf(last), last.has_more]).toEqual([ids.slice(2, 4), true]);
});

const askFor = (...ids: string[]): OutputItem[] =>
  ids.map((id) => ({ type: "mcp_approval_request", id, server_label: "srv", name: "change", arguments: "{}" }));
const approve = (...ids: string[]): Partial<CreateRequest> => ({
  input: ids.map((id) => ({ type: "mcp_approval_response", approval_request_id: id, approve: true })),
});
const waiting = async () => idsOf(await list({ step: "waiting_for_approval" }));

test("a response waits for approval until the last answer is accepted", async () => {
  const [one, two] = [newId("mcpr"), newId("mcpr")];
  const id = await admit();
  await end(id, complete(askFor(one, two)));
  expect(await waiting()).toEqual([id]);
  await admit(approve(one));
  expect(await storage.responseList.readPendingApprovals(project, id)).toEqual([two]);
  expect(await waiting()).toEqual([id]);
  await admit(approve(two));
  expect(await waiting()).toEqual([]);
  expect(idsOf(await list({ status: ["completed"] }))).toEqual([id]);
});

test("an answer that overtakes the settled end still counts", async () => {
  const ask = newId("mcpr");
  const id = await admit();
  const ended = await append(id, complete(askFor(ask)));
  await admit(approve(ask));
  await settleEndedResponse(storage, id, ended);
  expect(await waiting()).toEqual([]);
});

test("an answer counts although its request's process crashed", async () => {
  const ask = newId("mcpr");
  const asking = await admit();
  await end(asking, complete(askFor(ask)));
  // The connection is lost right after acceptance.
  const lost = await connect({ url: testRedisUrl(), cluster: false }, "request", "lost", silentLogger);
  lost.disconnect();
  const responseList = new ResponseList(lost, storage.layout);
  const answering = await admit(approve(ask), { ...storage, storage: { ...storage.storage, responseList } });
  expect(await waiting()).toEqual([asking]);
  await end(answering);
  expect(await waiting()).toEqual([]);
});

test("an approval is pending only for its own project, and only while kept", async () => {
  const [one, two] = [newId("mcpr"), newId("mcpr")];
  const [kept, deleted] = [await admit(), await admit()];
  await end(kept, complete(askFor(one)));
  await end(deleted, complete(askFor(two)));
  const own = project;
  project = newId("item", 8);
  await admit(approve(one));
  expect(await waiting()).toEqual([]);
  project = own;
  await eraseResponse(storage, deleted, (await storage.records.read(deleted))!);
  expect(await waiting()).toEqual([kept]);
});
