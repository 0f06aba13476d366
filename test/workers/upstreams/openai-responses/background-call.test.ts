/** A call that its provider runs in the background: what is asked of it, and what a stream that breaks off comes to. */
import { describe, expect, test } from "vitest";
import { ToolJournals } from "../../../../src/store/tool-journal.ts";
import { RunControl } from "../../../../workers/attempt/run.ts";
import {
  asked,
  AWAY,
  BOTH,
  doneItems,
  DONE_ONE,
  from,
  GONE,
  json,
  resumed,
  setUp,
  type Setup,
  SNAPSHOT,
  textOf,
  WHOLE,
} from "../../../support/background-runs.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, runOnce } from "../../../support/tool-runs.ts";
import {
  type Answer,
  completed,
  created,
  type Frame,
  message,
  refuse,
  startUpstreamServer,
  streamAndBreak,
  streamAndEnd,
} from "../../../support/upstream-server.ts";

/** One run from the beginning to the end. */
async function runThrough(answers: [Answer, ...Answer[]], setup: Setup = {}) {
  await using storage = await openTestStorage();
  await using server = await startUpstreamServer(...answers);
  const id = await createResponse(storage, {});
  expect(await runOnce(setUp(storage, server, setup).run, id, new RunControl())).toBe("ended");
  const left = await storage.upstreamResponses.of(id);
  return { ...(await finalResponse(storage, id)), id, left, asked: asked(server), requests: server.requests };
}

describe("a call in the provider's background", () => {
  test("is stored, named after our response, and begun once however often it is sent", async () => {
    const { response, requests, id, left, asked } = await runThrough([AWAY, streamAndEnd(...WHOLE)]);
    expect(response.output.map(textOf)).toEqual(BOTH);
    expect(asked).toEqual(["POST /v1/responses", "POST /v1/responses"]);
    const metadata = { background_response_id: id };
    for (const { body } of requests)
      expect(body).toMatchObject({ background: true, store: true, stream: true, metadata });
    const keys = requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toContain(id);
    expect(keys[1]).toBe(keys[0]);
    expect(left).toEqual([]);
  });

  test("is cancelled at the provider that broke it off by an error alone", async () => {
    const error = { type: "error", code: "server_error", message: "Broken", param: null, sequence_number: 4 };
    // Without a name: the SDK throws for one that is named.
    const answer: Answer = (answered) => {
      answered.writeHead(200, { "content-type": "text/event-stream" });
      answered.end([...from(0, 4), error].map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""));
    };
    const { response, asked } = await runThrough([answer, json({})], { keeps: false });
    expect(response.status).toBe("failed");
    expect(asked.slice(1)).toEqual(["POST /v1/responses/resp_1/cancel", "DELETE /v1/responses/resp_1"]);
  });

  test("is gone on with behind what the log has, never beyond", async () => {
    await using storage = await openTestStorage();
    await using server = await startUpstreamServer(streamAndEnd(...WHOLE));
    const id = await createResponse(storage, {});
    const noted: [cursor: number, doneInLog: number, entered: number][] = [];
    class WatchedJournals extends ToolJournals {
      override async writeAttachment(...args: Parameters<ToolJournals["writeAttachment"]>): Promise<boolean> {
        const log = (await storage.reader.read(id, 0, 1_000)).map(({ data }) => data);
        const entered = await storage.upstreamResponses.of(id);
        noted.push([args[3].cursor, doneItems(log).length, entered.length]);
        return await super.writeAttachment(...args);
      }
    }
    const journals = new WatchedJournals(storage.redis, storage.layout, storage.redis);
    await runOnce(setUp({ ...storage, journals }, server).run, id, new RunControl());
    const doneTwo = WHOLE.length - 2;
    expect(noted).toEqual([
      [0, 0, 1],
      [DONE_ONE, 1, 1],
      [doneTwo, 2, 1],
    ]);
  });

  test("is deleted at the provider after its end, and not cancelled", async () => {
    const { asked } = await runThrough([streamAndEnd(...WHOLE), json({})], { keeps: false });
    expect(asked).toEqual(["POST /v1/responses", "DELETE /v1/responses/resp_1"]);
  });

  test.each<[string, (...frames: Frame[]) => Answer]>([
    ["breaks", streamAndBreak],
    ["ends without an end of the response", streamAndEnd],
  ])("goes on in the middle of an item when its stream %s", async (_name, answer) => {
    const { response, log, asked } = await runThrough([
      answer(...from(0, 4)),
      answer(...from(4, 5)),
      AWAY,
      // Some tell the last event once more.
      streamAndEnd(...from(4)),
    ]);
    expect(response.output.map(textOf)).toEqual(BOTH);
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
    expect(asked).toEqual(["POST /v1/responses", resumed(3), resumed(4), resumed(4)]);
  });

  test("is given up after as many tries as are allowed without anything new, and ended at the provider", async () => {
    const { response, asked } = await runThrough([streamAndBreak(...from(0, 4)), AWAY, AWAY, json({})], {
      keeps: false,
    });
    expect(response.status).toBe("failed");
    expect(asked).toEqual([
      "POST /v1/responses",
      resumed(3),
      resumed(3),
      "POST /v1/responses/resp_1/cancel",
      "DELETE /v1/responses/resp_1",
    ]);
  });

  test("is not put back into the queue, where its items would stand open meanwhile", async () => {
    await using storage = await openTestStorage();
    const limited = refuse(429, { message: "Slow down" });
    await using server = await startUpstreamServer(streamAndBreak(...from(0, 4)), limited);
    const id = await createResponse(storage, {});
    const setup = { ...setUp(storage, server).run, maxWaits: 5 };
    expect(await runOnce(setup, id, new RunControl())).toBe("ended");
    expect((await finalResponse(storage, id)).response).toMatchObject({
      status: "failed",
      error: { code: "rate_limit_exceeded" },
    });
  });

  test.each<[string, Answer]>([
    ["is refused", refuse(400, { message: "It cannot be streamed" })],
    ["has nothing in it", streamAndEnd()],
  ])("is read as it stands where its stream %s", async (_name, answer) => {
    const snapshot = json({ ...SNAPSHOT, status: "completed" });
    const { response, asked } = await runThrough([streamAndBreak(...from(0, 4)), answer, snapshot]);
    expect(response).toMatchObject({ error: null, status: "completed" });
    expect(response.output.map(textOf)).toEqual(BOTH);
    expect(asked.at(-1)).toBe("GET /v1/responses/resp_1");
  });

  test("that was cancelled at the provider fails, and says so", async () => {
    const { response } = await runThrough([
      streamAndBreak(...from(0, 4)),
      GONE,
      json({ ...SNAPSHOT, status: "cancelled" }),
    ]);
    expect(response).toMatchObject({
      status: "failed",
      error: { message: "The response was cancelled at the provider." },
    });
  });

  test("that the provider has lost is made anew with what the log has of it", async () => {
    const { response, log, requests } = await runThrough([
      streamAndBreak(...from(0, DONE_ONE + 3)),
      GONE,
      GONE,
      streamAndEnd(created(), ...message(0, "msg_9", ["Too."]), completed()),
    ]);
    expect(response.output.map(textOf)).toEqual(["One and all.", "Too."]);
    expect(doneItems(log)).toEqual(["One and all. completed", "Too. completed"]);
    const [first, , , second] = requests;
    expect(second!.body["input"]).toHaveLength(2);
    expect(second!.headers["idempotency-key"]).not.toBe(first!.headers["idempotency-key"]);
  });

  test("that is lost time and again fails", async () => {
    const lost: [Answer, Answer, Answer] = [streamAndBreak(...from(0, 2)), GONE, GONE];
    const { response, requests } = await runThrough([...lost, ...lost, ...lost, ...lost, json({})]);
    expect(response.status).toBe("failed");
    expect(requests.filter(({ path }) => path === "/v1/responses")).toHaveLength(4);
  });
});
