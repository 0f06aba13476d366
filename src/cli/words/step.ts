/** A run's step in words. */
import type { RunStep } from "../../protocol/run.ts";
import { describeDuration } from "./duration.ts";

const NOBODY = "no worker is alive, so nothing will start it: run `background-responses worker`";

export function describeStep(step: RunStep, nowMs: number): string {
  const forTime = `for ${describeDuration(nowMs - step.since_ms)}`;
  switch (step.type) {
    case "queued":
      return step.workers === 0 ? `queued ${forTime}; ${NOBODY}` : `queued ${forTime}`;
    case "waiting_for_provider": {
      const left = describeDuration(step.until_ms - nowMs);
      return `waiting for ${step.provider} ${forTime}, ${left} left: ${step.reason}`;
    }
    case "waiting_for_configuration": {
      const left = step.until_ms === undefined ? "" : `, ${describeDuration(step.until_ms - nowMs)} left`;
      return `waiting ${forTime}${left}, for a worker that can run it: ${step.reason}`;
    }
    case "waiting_for_redis":
      return `waiting for Redis: ${step.reason}`;
    case "recovering":
      return step.workers === 0
        ? `recovering ${forTime}: ${step.reason.replace(/\.$/, "")}; ${NOBODY}`
        : `recovering ${forTime}: ${step.reason}`;
    case "starting":
      return `starting ${forTime}`;
    case "calling_model":
      return `calling ${step.provider}/${step.model} ${forTime}${describeSilence(step, nowMs)} (turn ${step.turn}${describeRetries(step)})`;
    case "running_tools":
      return `running ${step.tools.map((tool) => describeTool(tool, nowMs)).join(", ")}`;
    case "waiting_for_approval":
      return `waiting ${forTime} for the approval of ${step.approvals.join(", ")}`;
    case "ended":
      return "ended";
  }
}

/** Shorter ones are usual. */
const NOTABLE_SILENCE_MS = 10_000;

function describeSilence({ silent_since_ms }: { silent_since_ms?: number | undefined }, nowMs: number): string {
  const silentMs = nowMs - (silent_since_ms ?? nowMs);
  return silentMs < NOTABLE_SILENCE_MS ? "" : `, without an event for ${describeDuration(silentMs)}`;
}

function describeRetries({ retries = 0, error }: { retries?: number | undefined; error?: string | undefined }): string {
  if (retries === 0) return "";
  return `, retry ${retries}${error === undefined ? "" : ` after: ${error}`}`;
}

function describeTool(tool: { type: string; name: string; since_ms: number }, nowMs: number): string {
  if (tool.type === "mcp_list_tools") {
    return `the listing of the tools of ${tool.name} for ${describeDuration(nowMs - tool.since_ms)}`;
  }
  const name = tool.name === "" || tool.name === tool.type ? tool.type : `${tool.type} ${tool.name}`;
  return `${name} for ${describeDuration(nowMs - tool.since_ms)}`;
}
