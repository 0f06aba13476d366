/** A call that its provider runs in the background: the requests, and the result of a broken stream. */
import { describe, expect, test } from "vitest";
import { RunJournals } from "../../../../src/store/run-journals.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import {
  listRequests,
  SERVER_ERROR,
  BOTH_TEXTS,
  doneItems,
  FIRST_DONE_INDEX,
  framesFrom,
  NOT_FOUND,
  json,
  resumeRequest,
  setUpRemoteRuns,
  type RemoteRunSetup,
  SNAPSHOT,
  itemText,
  ALL_FRAMES,
} from "../../../support/remote-runs.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, runOnce } from "../../../support/tool-runs.ts";
import {
  type Answer,
  completed,
  created,
  type Frame,
  message,
  answerError,
  startUpstreamServer,
  streamAndBreak,
  streamAndEnd,
} from "../../../support/upstream-server.ts";

/** One run from its beginning to its end. */
async function runThrough(answers: [Answer, ...Answer[]], setup: RemoteRunSetup = {}) {
  await using storage = await openTestStorage();
  await using server = await startUpstreamServer(...answers);
  const id = await createResponse(storage, {});
  expect(await runOnce(setUpRemoteRuns(storage, server, setup).run, id, new AttemptControl())).toBe("ended");
  const left = await storage.remoteRunRegistry.listOfResponse(id);
  return { ...(await finalResponse(storage, id)), id, left, asked: listRequests(server), requests: server.requests };
}

describe("a provider's background call", () => {
  test("is stored under our response's name, and begins once for repeated requests", async () => {
    const { response, requests, id, left, asked } = await runThrough([SERVER_ERROR, streamAndEnd(...ALL_FRAMES)]);
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
    expect(asked).toEqual(["POST /v1/responses", "POST /v1/responses"]);
    const metadata = { background_response_id: id };
    for (const { body } of requests)
      expect(body).toMatchObject({ background: true, store: true, stream: true, metadata });
    const keys = requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toContain(id);
    expect(keys[1]).toBe(keys[0]);
    expect(left).toEqual([]);
  });

  test("is cancelled at a provider that reported only an error", async () => {
    const error = { type: "error", code: "server_error", message: "Broken", param: null, sequence_number: 4 };
    // Without a name: the SDK throws for a named one.
    const answer: Answer = (answered) => {
      answered.writeHead(200, { "content-type": "text/event-stream" });
      answered.end([...framesFrom(0, 4), error].map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""));
    };
    const { response, asked } = await runThrough([answer, json({})], { keeps: false });
    expect(response.status).toBe("failed");
    expect(asked.slice(1)).toEqual(["POST /v1/responses/resp_1/cancel", "DELETE /v1/responses/resp_1"]);
  });

  test("resumes after the log's end, never beyond", async () => {
    await using storage = await openTestStorage();
    await using server = await startUpstreamServer(streamAndEnd(...ALL_FRAMES));
    const id = await createResponse(storage, {});
    const noted: [cursor: number, doneInLog: number, entered: number][] = [];
    class WatchedJournals extends RunJournals {
      override async writeRemoteRun(...args: Parameters<RunJournals["writeRemoteRun"]>): Promise<boolean> {
        const log = (await storage.visibleLogReader.read(id, 0, 1_000)).map(({ data }) => data);
        const entered = await storage.remoteRunRegistry.listOfResponse(id);
        noted.push([args[3].cursor, doneItems(log).length, entered.length]);
        return await super.writeRemoteRun(...args);
      }
    }
    const journals = new WatchedJournals(storage.redis, storage.layout, storage.redis);
    await runOnce(setUpRemoteRuns({ ...storage, journals }, server).run, id, new AttemptControl());
    const doneTwo = ALL_FRAMES.length - 2;
    expect(noted).toEqual([
      [0, 0, 1],
      [FIRST_DONE_INDEX, 1, 1],
      [doneTwo, 2, 1],
    ]);
  });

  test("is deleted at the provider after its end", async () => {
    const { asked } = await runThrough([streamAndEnd(...ALL_FRAMES), json({})], { keeps: false });
    expect(asked).toEqual(["POST /v1/responses", "DELETE /v1/responses/resp_1"]);
  });

  test.each<[string, (...frames: Frame[]) => Answer]>([
    ["breaks", streamAndBreak],
    ["ends without an end of the response", streamAndEnd],
  ])("resumes within an item when its stream %s", async (_name, answer) => {
    const { response, log, asked } = await runThrough([
      answer(...framesFrom(0, 4)),
      answer(...framesFrom(4, 5)),
      SERVER_ERROR,
      // Some servers repeat the last event.
      streamAndEnd(...framesFrom(4)),
    ]);
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
    expect(asked).toEqual(["POST /v1/responses", resumeRequest(3), resumeRequest(4), resumeRequest(4)]);
  });

  test("ends at the provider after too many tries without progress", async () => {
    const { response, asked } = await runThrough(
      [streamAndBreak(...framesFrom(0, 4)), SERVER_ERROR, SERVER_ERROR, json({})],
      {
        keeps: false,
      },
    );
    expect(response.status).toBe("failed");
    expect(asked).toEqual([
      "POST /v1/responses",
      resumeRequest(3),
      resumeRequest(3),
      "POST /v1/responses/resp_1/cancel",
      "DELETE /v1/responses/resp_1",
    ]);
  });

  test("does not return to the queue, where its items would stay open", async () => {
    await using storage = await openTestStorage();
    const limited = answerError(429, { message: "Slow down" });
    await using server = await startUpstreamServer(streamAndBreak(...framesFrom(0, 4)), limited);
    const id = await createResponse(storage, {});
    const setup = { ...setUpRemoteRuns(storage, server).run, maxWaits: 5 };
    expect(await runOnce(setup, id, new AttemptControl())).toBe("ended");
    expect((await finalResponse(storage, id)).response).toMatchObject({
      status: "failed",
      error: { code: "rate_limit_exceeded" },
    });
  });

  test.each<[string, Answer]>([
    ["is rejected", answerError(400, { message: "It cannot be streamed" })],
    ["is empty", streamAndEnd()],
  ])("is read from the response when its stream %s", async (_name, answer) => {
    const snapshot = json({ ...SNAPSHOT, status: "completed" });
    const { response, asked } = await runThrough([streamAndBreak(...framesFrom(0, 4)), answer, snapshot]);
    expect(response).toMatchObject({ error: null, status: "completed" });
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
    expect(asked.at(-1)).toBe("GET /v1/responses/resp_1");
  });

  test("cancelled at the provider fails with that reason", async () => {
    const { response } = await runThrough([
      streamAndBreak(...framesFrom(0, 4)),
      NOT_FOUND,
      json({ ...SNAPSHOT, status: "cancelled" }),
    ]);
    expect(response).toMatchObject({
      status: "failed",
      error: { message: "The response was cancelled at the provider." },
    });
  });

  test("lost by the provider is restarted with the log's items", async () => {
    const { response, log, requests } = await runThrough([
      streamAndBreak(...framesFrom(0, FIRST_DONE_INDEX + 3)),
      NOT_FOUND,
      NOT_FOUND,
      streamAndEnd(created(), ...message(0, "msg_9", ["Too."]), completed()),
    ]);
    expect(response.output.map(itemText)).toEqual(["One and all.", "Too."]);
    expect(doneItems(log)).toEqual(["One and all. completed", "Too. completed"]);
    const [first, , , second] = requests;
    expect(second!.body["input"]).toHaveLength(2);
    expect(second!.headers["idempotency-key"]).not.toBe(first!.headers["idempotency-key"]);
  });

  test("that is lost repeatedly fails", async () => {
    const attempt: [Answer, Answer, Answer] = [streamAndBreak(...framesFrom(0, 2)), NOT_FOUND, NOT_FOUND];
    const { response, requests } = await runThrough([...attempt, ...attempt, ...attempt, ...attempt, json({})]);
    expect(response.status).toBe("failed");
    expect(requests.filter(({ path }) => path === "/v1/responses")).toHaveLength(4);
  });
});
