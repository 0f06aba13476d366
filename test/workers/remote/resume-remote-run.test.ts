/** Runs that go on with what their provider runs by itself, and responses that are over: a cursor behind the log, a provider away. */
import { RemoteRunTracker } from "../../../workers/remote/remote-run-tracker.ts";
import { describe, expect, test } from "vitest";
import { RunControl } from "../../../workers/attempt/run.ts";
import {
  listRequests,
  SERVER_ERROR,
  BOTH_TEXTS,
  FIRST_DONE,
  doneItems,
  FIRST_DONE_INDEX,
  framesFrom,
  NOT_FOUND,
  json,
  resumeRequest,
  setUpRemoteRuns,
  SNAPSHOT,
  itemText,
  ALL_FRAMES,
} from "../../support/remote-runs.ts";
import { COUNTING_TOOL } from "../../support/counting-tool.ts";
import { openTestStorage, silentLogger } from "../../support/storage.ts";
import { createResponse, finalResponse, runOnce } from "../../support/tool-runs.ts";
import {
  added,
  type Answer,
  completed,
  created,
  done,
  type Frame,
  message,
  startUpstreamServer,
  stream,
  streamAndEnd,
} from "../../support/upstream-server.ts";

interface Interruption {
  /** What the provider tells a second run, which is drained as well once an item of it is done. */
  between?: Frame[];
  /** Where the journal says that the log stands. */
  cursor?: number;
  tools?: boolean;
}

/** A run that is drained once it has written what the provider tells it, and at last a run that is given `next`. */
async function goOn(answer: Frame[], next: Answer, { between, cursor, tools = false }: Interruption = {}) {
  await using storage = await openTestStorage();
  const answers = [stream(...answer), ...(between === undefined ? [] : [stream(...between)])] as [Answer];
  await using server = await startUpstreamServer(...answers, next);
  const id = await createResponse(storage, tools ? { tools: [COUNTING_TOOL] } : {});
  const { run, tool } = setUpRemoteRuns(storage, server);
  const readLog = async () => (await storage.visibleLogReader.read(id, 0, 1_000)).map(({ data }) => data);
  const drainOnce = async (isReached: (log: readonly string[]) => boolean) => {
    const control = new RunControl();
    const running = runOnce(run, id, control);
    while (!isReached(await readLog())) await storage.redis.ping();
    control.stop("drain");
    expect(await running).toBe("handed-over");
  };
  // The opening events, in_progress, and what is told but the created. Of tools only their first call is in the log.
  const wanted = (await readLog()).length + (tools ? 3 : answer.length);
  await drainOnce((log) => log.length >= wanted);
  if (between !== undefined) await drainOnce((log) => doneItems(log).some((item) => item.endsWith(" completed")));
  const field = "attachment:0";
  const recorded = JSON.parse((await storage.redis.hget(storage.layout.calls(id), field))!) as object;
  // As if the worker had died between the log and its cursor.
  if (cursor !== undefined) {
    await storage.redis.hset(storage.layout.calls(id), field, JSON.stringify({ ...recorded, cursor }));
  }
  expect(await runOnce(run, id, new RunControl())).toBe("ended");
  return { ...(await finalResponse(storage, id)), recorded, asked: listRequests(server), tool };
}

describe("a run that goes on", () => {
  test("reads from the last item that the log has whole", async () => {
    const { response, log, recorded, asked } = await goOn(
      framesFrom(0, FIRST_DONE_INDEX + 4),
      streamAndEnd(...framesFrom(FIRST_DONE_INDEX + 1)),
    );
    expect(recorded).toMatchObject({ provider: "test", id: "resp_1", cursor: FIRST_DONE_INDEX });
    expect(asked).toEqual(["POST /v1/responses", resumeRequest(FIRST_DONE_INDEX)]);
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
    // The item in whose middle the log ended is continued at its place.
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
  });

  test("reads an item again that the provider cut off", async () => {
    const cutOff = { ...FIRST_DONE, item: { ...(FIRST_DONE["item"] as object), status: "incomplete" } };
    const { recorded, log } = await goOn([...framesFrom(0, FIRST_DONE_INDEX), cutOff], streamAndEnd(...framesFrom(1)));
    expect(recorded).toMatchObject({ cursor: 0 });
    expect(doneItems(log)).toEqual(["One and all. incomplete", "One and all. completed", "Two. completed"]);
  });

  test("is not told again what the log has, if the cursor is behind", async () => {
    const { response, log } = await goOn(framesFrom(0, FIRST_DONE_INDEX + 1), streamAndEnd(...framesFrom(1)), {
      cursor: 0,
    });
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
  });

  test("nor an item again that had to be told twice before", async () => {
    // The log has another text than the provider repeats, so that its item is closed and another one takes its id.
    const other = [created(), ...message(0, "msg_1", ["Two "])].map((frame, number) => ({
      ...frame,
      sequence_number: number,
    }));
    const between = framesFrom(1, FIRST_DONE_INDEX + 1);
    const { log } = await goOn(other.slice(0, 4), streamAndEnd(...framesFrom(1)), { between, cursor: 0 });
    expect(doneItems(log)).toEqual(["Two  incomplete", "One and all. completed", "Two. completed"]);
  });

  test("takes no item twice from an end that brings all of them", async () => {
    const end = { ...ALL_FRAMES.at(-1)!, response: { ...SNAPSHOT, status: "completed" } };
    const { log } = await goOn(framesFrom(0, FIRST_DONE_INDEX + 1), streamAndEnd(end));
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
  });

  test("is told again what is not in the log: a call of this server's tools", async () => {
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "look" };
    const calling = [
      created(),
      added(0, { ...call, arguments: "", status: "in_progress" }),
      { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 0, delta: '{"x":1}' },
      {
        type: "response.function_call_arguments.done",
        item_id: "fc_1",
        output_index: 0,
        arguments: '{"x":1}',
        name: "look",
      },
      done(0, { ...call, arguments: '{"x":1}', status: "completed" }),
      ...message(1, "msg_5", ["Let me see."]),
      completed(),
    ].map((frame, sequence_number) => ({ ...frame, sequence_number }));
    const answer = streamAndEnd(...calling.slice(1));
    let requests = 0;
    const next: Answer = (response) => {
      requests += 1;
      // The second turn is another response of the provider's.
      (requests === 1 ? answer : streamAndEnd(created(), ...message(0, "msg_6", ["Done."]), completed()))(response);
    };
    const { response, recorded, tool } = await goOn(calling.slice(0, -1), next, { tools: true });
    expect(recorded).toMatchObject({ cursor: 0 });
    expect(tool.begun).toEqual(["look 1"]);
    expect(response.output.map(itemText)).toEqual(["mcp_call", "Let me see.", "Done."]);
  });
});

describe("a response that is over", () => {
  test("is ended at a provider that was away by a later sweep", async () => {
    await using storage = await openTestStorage();
    await using server = await startUpstreamServer(SERVER_ERROR, json({}));
    const id = await createResponse(storage, {});
    const { remoteRuns } = setUpRemoteRuns(storage, server, { keeps: false });
    await remoteRuns.track({ responseId: id, provider: "test", id: "resp_1" });
    await remoteRuns.sweep();
    expect(listRequests(server), "it is not over").toEqual([]);
    await storage.leases.fence(id, "cancel");
    await remoteRuns.sweep();
    expect(await storage.remoteRunRegistry.listOfResponse(id)).toHaveLength(1);
    await remoteRuns.sweep();
    const cancel = "POST /v1/responses/resp_1/cancel";
    expect(listRequests(server)).toEqual([cancel, cancel, "DELETE /v1/responses/resp_1"]);
    expect(await storage.remoteRunRegistry.listOfResponse(id)).toEqual([]);
  });

  test("is found by one sweep, however many still run before it", async () => {
    await using storage = await openTestStorage();
    await using server = await startUpstreamServer(NOT_FOUND);
    const { remoteRuns } = setUpRemoteRuns(storage, server);
    const running = await createResponse(storage, {});
    const entries = Array.from({ length: 200 }, (_, i) => ({
      responseId: running,
      provider: "test",
      id: `of_it_${i}`,
    }));
    await Promise.all(
      [...entries, { responseId: "resp_z", provider: "test", id: "resp_1" }].map((entry) => remoteRuns.track(entry)),
    );
    await remoteRuns.sweep();
    expect(listRequests(server)).toEqual(["POST /v1/responses/resp_1/cancel"]);
  });

  test("is asked about by the next sweep, where a provider that is away has held up this one", async () => {
    await using storage = await openTestStorage();
    const sent: string[] = [];
    const upstream = {
      run: () => {
        throw new Error("Nothing is run.");
      },
      cancelAndDelete: (id: string) => {
        sent.push(id);
        return id === "last" ? Promise.resolve() : Promise.reject(new Error("Away"));
      },
    };
    const remoteRuns = new RemoteRunTracker(
      storage,
      { findBackground: () => ({ upstream, isEnabled: true }) },
      silentLogger,
    );
    const ids = [...Array.from({ length: 200 }, () => "away"), "last"];
    for (const [i, id] of ids.entries()) {
      await remoteRuns.track({ responseId: `resp_${String(i).padStart(3, "0")}`, provider: "lab", id });
    }
    await remoteRuns.sweep();
    expect(sent).not.toContain("last");
    await remoteRuns.sweep();
    expect(sent.slice(200)).toEqual(["last"]);
  });

  test("is ended there whoever has forgotten it", async () => {
    await using storage = await openTestStorage();
    await using server = await startUpstreamServer(NOT_FOUND);
    const { remoteRuns } = setUpRemoteRuns(storage, server);
    await remoteRuns.track({ responseId: "resp_deleted", provider: "test", id: "resp_1" });
    await remoteRuns.track({ responseId: "resp_deleted2", provider: "test", id: "resp_2" });
    await remoteRuns.cleanUp("resp_deleted");
    expect(listRequests(server)).toEqual(["POST /v1/responses/resp_1/cancel"]);
    expect(await storage.remoteRunRegistry.list(undefined, 10)).toHaveLength(1);
  });
});
