import { expect, test } from "vitest";
import { describeStepWithTime, explainStep } from "../../../../../src/console/page/words/step-words.ts";
import type { RunStep } from "../../../../../src/protocol/run.ts";

const NOW = 1_000_000;
const since_ms = NOW - 40_000;
const tool = { type: "web_search", name: "web_search", since_ms };

test.each<[RunStep, string]>([
  [{ type: "queued", since_ms, workers: 2 }, "waiting for a worker, 40 s"],
  [{ type: "queued", since_ms, workers: 0 }, "no worker serves its queue, 40 s"],
  [{ type: "queued", since_ms }, "waiting for a worker, 40 s"],
  [
    { type: "waiting_for_provider", since_ms, until_ms: NOW + 20_000, provider: "mistral", reason: "Rate limit." },
    "waiting for mistral, tries again in 20 s",
  ],
  [
    { type: "waiting_for_configuration", since_ms, reason: "No key." },
    "waiting for a worker with its model and tools, 40 s",
  ],
  [{ type: "recovering", since_ms, reason: "Lost.", workers: 1 }, "interrupted, starts again soon, 40 s"],
  [{ type: "starting", since_ms }, "starting, 40 s"],
  [{ type: "calling_model", since_ms, turn: 3, provider: "mistral", model: "large" }, "calling mistral, 40 s"],
  [
    { type: "calling_model", since_ms, turn: 3, provider: "mistral", model: "large", retries: 2, error: "503" },
    "retrying mistral, 40 s",
  ],
  [{ type: "running_tools", since_ms, tools: [tool] }, "running web_search, 40 s"],
  [{ type: "waiting_for_approval", since_ms, approvals: ["mcpr_1"] }, "waiting for approval, 40 s"],
  [{ type: "ended", since_ms }, "ended"],
])("%j reads as: %s", (step, words) => {
  expect(describeStepWithTime(step, NOW)).toBe(words);
});

test("a run that nothing will start says what to do", () => {
  expect(explainStep({ type: "queued", since_ms, workers: 0 }, NOW)).toContain("Start a worker");
  expect(explainStep({ type: "queued", since_ms, workers: 1 }, NOW)).toBeUndefined();
});

test("a silent provider is named after ten seconds", () => {
  const call = { type: "calling_model", since_ms, turn: 3, provider: "mistral", model: "large" } as const;
  expect(explainStep({ ...call, silent_since_ms: NOW - 25_000 }, NOW)).toBe("No event for 25 s.");
  expect(explainStep({ ...call, silent_since_ms: NOW - 5_000 }, NOW)).toBeUndefined();
});
