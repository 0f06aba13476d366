/** A run ends before its next turn once its project has reached its spend limit, where the settings say so. */
import { expect, test } from "vitest";
import { newId } from "../../../../src/protocol/id.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";

const look = (x: number) => ({ call: "look", arguments: { x } });
const PROJECT = "default";

/** Runs a response of three turns; the project reaches its limit during its first tool call. */
async function run(stopsAtSpendLimit: boolean) {
  await using storage = await openTestStorage();
  const upstream = new RecordingUpstream();
  const request = { tools: [COUNTING_TOOL], metadata: scriptSteps([look(1)], look(2)) };
  const id = await createResponse(storage, request);
  await storage.projectLimits.setSpendLimit(PROJECT, 10);
  const spend = async () => {
    const other = newId("resp");
    await storage.inFlight.add(other, storage.clock.nowMs());
    const sums = { requests: 1, inputTokens: 1, cachedTokens: 0, outputTokens: 1, costNanos: 200_000_000 };
    const endedAtMs = storage.clock.nowMs();
    await storage.inFlight.forceRemove(other, PROJECT, { usage: { ...sums, model: "x" }, endedAtMs });
  };
  const tool = countingTool(spend);
  const setup = { storage, kinds: [tool.kind], upstream, stopsAtSpendLimit };
  await runOnce(setup, id, new AttemptControl());
  return { ...(await finalResponse(storage, id)), turns: upstream.calls.length };
}

test("a run stops at its next turn", async () => {
  const { response, turns } = await run(true);
  expect(turns).toBe(1);
  expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
});

test("a run continues if the settings do not stop it", async () => {
  const { response, turns } = await run(false);
  expect([response.status, turns]).toEqual(["completed", 3]);
});
