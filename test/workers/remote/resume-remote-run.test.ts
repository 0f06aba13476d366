/**
 * A worker resumes remote runs and ends those of finished responses, with a cursor behind the log or a provider that is
 * away.
 */
import { RemoteRunTracker } from "../../../workers/remote/remote-run-tracker.ts";
import { describe, expect, test } from "vitest";
import { AttemptControl } from "../../../workers/attempt/attempt.ts";
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
import { pollUntil } from "../../support/poll-until.ts";

interface Interruption {
  /** The provider's stream for a second run, which is drained once an item is done. */
  between?: Frame[];
  /** Where the journal's cursor is in the log. */
  cursor?: number;
  tools?: boolean;
}

/** A run that is drained once it has written the provider's stream, then a run that receives `next`. */
async function resumeRun(answer: Frame[], next: Answer, { between, cursor, tools = false }: Interruption = {}) {
  await using storage = await openTestStorage();
  const answers = [stream(...answer), ...(between === undefined ? [] : [stream(...between)])] as [Answer];
  await using server = await startUpstreamServer(...answers, next);
  const id = await createResponse(storage, tools ? { tools: [COUNTING_TOOL] } : {});
  const { run, tool } = setUpRemoteRuns(storage, server);
  const readLog = async () => (await storage.visibleLogReader.read(id, 0, 1_000)).map(({ data }) => data);
  const drainOnce = async (isReached: (log: readonly string[]) => boolean) => {
    const control = new AttemptControl();
    const running = runOnce(run, id, control);
    await pollUntil(async () => isReached(await readLog()));
    control.stop("drain");
    expect(await running).toBe("handed-over");
  };
  // The log has the opening events, in_progress, and the provider's events without the created. Of tool calls it has
  // only the first.
  const wanted = (await readLog()).length + (tools ? 3 : answer.length);
  await drainOnce((log) => log.length >= wanted);
  if (between !== undefined) await drainOnce((log) => doneItems(log).some((item) => item.endsWith(" completed")));
  const field = "attachment:0";
  const recorded = JSON.parse((await storage.redis.hget(storage.layout.calls(id), field))!) as object;
  // The same state as if the worker had crashed between the log and its cursor.
  if (cursor !== undefined) {
    await storage.redis.hset(storage.layout.calls(id), field, JSON.stringify({ ...recorded, cursor }));
  }
  expect(await runOnce(run, id, new AttemptControl())).toBe("ended");
  return { ...(await finalResponse(storage, id)), recorded, asked: listRequests(server), tool };
}

describe("a resumed remote run", () => {
  test("continues after the last complete logged item", async () => {
    const { response, log, recorded, asked } = await resumeRun(
      framesFrom(0, FIRST_DONE_INDEX + 4),
      streamAndEnd(...framesFrom(FIRST_DONE_INDEX + 1)),
    );
    expect(recorded).toMatchObject({ provider: "test", id: "resp_1", cursor: FIRST_DONE_INDEX });
    expect(asked).toEqual(["POST /v1/responses", resumeRequest(FIRST_DONE_INDEX)]);
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
    // The item that the log cuts off is continued at its index.
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
  });

  test("reads an item again that the provider cut off", async () => {
    const cutOff = { ...FIRST_DONE, item: { ...(FIRST_DONE["item"] as object), status: "incomplete" } };
    const { recorded, log } = await resumeRun(
      [...framesFrom(0, FIRST_DONE_INDEX), cutOff],
      streamAndEnd(...framesFrom(1)),
    );
    expect(recorded).toMatchObject({ cursor: 0 });
    expect(doneItems(log)).toEqual(["One and all. incomplete", "One and all. completed", "Two. completed"]);
  });

  test("receives no logged event twice with an old cursor", async () => {
    const { response, log } = await resumeRun(framesFrom(0, FIRST_DONE_INDEX + 1), streamAndEnd(...framesFrom(1)), {
      cursor: 0,
    });
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
    expect(response.output.map(itemText)).toEqual(BOTH_TEXTS);
  });

  test("receives no item twice that was streamed twice before", async () => {
    // The logged text differs from the provider's second one, so its item is closed and another one takes its id.
    const other = [created(), ...message(0, "msg_1", ["Two "])].map((frame, number) => ({
      ...frame,
      sequence_number: number,
    }));
    const between = framesFrom(1, FIRST_DONE_INDEX + 1);
    const { log } = await resumeRun(other.slice(0, 4), streamAndEnd(...framesFrom(1)), { between, cursor: 0 });
    expect(doneItems(log)).toEqual(["Two  incomplete", "One and all. completed", "Two. completed"]);
  });

  test("logs no item twice from a final event with all items", async () => {
    const end = { ...ALL_FRAMES.at(-1)!, response: { ...SNAPSHOT, status: "completed" } };
    const { log } = await resumeRun(framesFrom(0, FIRST_DONE_INDEX + 1), streamAndEnd(end));
    expect(doneItems(log)).toEqual(["One and all. completed", "Two. completed"]);
  });

  test("replays tool calls of this server that are not logged", async () => {
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
      // The second turn is another response at the provider.
      (requests === 1 ? answer : streamAndEnd(created(), ...message(0, "msg_6", ["Done."]), completed()))(response);
    };
    const { response, recorded, tool } = await resumeRun(calling.slice(0, -1), next, { tools: true });
    expect(recorded).toMatchObject({ cursor: 0 });
    expect(tool.begun).toEqual(["look 1"]);
    expect(response.output.map(itemText)).toEqual(["mcp_call", "Let me see.", "Done."]);
  });
});

describe("a finished response", () => {
  test("is ended at the provider by a later sweep", async () => {
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

  test("is found by one sweep behind many running ones", async () => {
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

  test("is checked by the next sweep if a provider blocked this one", async () => {
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

  test("is ended at the provider though its entry was lost", async () => {
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
