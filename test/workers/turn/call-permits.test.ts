/** Calls that wait for a scarce resource of the worker have no effect before their turn. */
import { raceSignal } from "race-signal";
import { expect, test } from "vitest";
import { AttemptControl } from "../../../workers/attempt/attempt.ts";
import { COUNTING_TOOL, countingTool } from "../../support/counting-tool.ts";
import { openTestStorage } from "../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../support/tool-runs.ts";

const REQUEST = { tools: [COUNTING_TOOL], metadata: scriptSteps({ call: "change", arguments: { x: 1 } }) };

test.each([
  ["leaves", (control: AttemptControl) => control.requestHandOver()],
  ["is lost", (control: AttemptControl) => control.stop("lock-lost")],
])("if the run %s, its waiting call leaves, and the next worker makes it", async (_name, stop) => {
  await using storage = await openTestStorage();
  const id = await createResponse(storage, REQUEST);
  const control = new AttemptControl();
  const waiting = countingTool(() => {}, {
    acquirePermit: async (signal) => {
      stop(control);
      return await raceSignal(new Promise<never>(() => {}), signal);
    },
  });
  const upstream = new RecordingUpstream();
  await runOnce({ storage, kinds: [waiting.kind], upstream }, id, control);
  expect(waiting.begun).toEqual([]);
  const next = countingTool();
  expect(await runOnce({ storage, kinds: [next.kind], upstream }, id, new AttemptControl())).toBe("ended");
  expect(next.begun).toEqual(["change 1"]);
  expect((await finalResponse(storage, id)).response.status).toBe("completed");
});

test("a call holds its permit from before its start until its end", async () => {
  await using storage = await openTestStorage();
  const id = await createResponse(storage, REQUEST);
  const happened: string[] = [];
  const tool = countingTool((call) => void happened.push(call), {
    acquirePermit: () => {
      happened.push("enters");
      return Promise.resolve({ [Symbol.dispose]: () => void happened.push("leaves") });
    },
  });
  await runOnce({ storage, kinds: [tool.kind], upstream: new RecordingUpstream() }, id, new AttemptControl());
  expect(happened).toEqual(["enters", "change 1", "leaves"]);
});
