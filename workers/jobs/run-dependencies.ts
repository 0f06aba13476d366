/** The dependencies of every run in a process: a worker's, or a quarantined one's. */
import type { WorkerContext } from "../../src/context.ts";
import { RemoteRunTracker } from "../remote/remote-run-tracker.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { findFirstUnavailableTool } from "../../src/providers/unavailable-tools.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { RunDependencies } from "../run/run-response.ts";
import { ServerTools } from "../tools/registry.ts";
import { Upstreams } from "../upstreams/registry.ts";

export interface WorkerDependencies {
  run: RunDependencies;
  /** Also tracks remote runs of providers whose background mode was turned off since. */
  remoteRuns: RemoteRunTracker;
}

export function openDependencies({ catalog, config, logger, storage }: WorkerContext): WorkerDependencies {
  const upstreams = new Upstreams(catalog, config, logger);
  const remoteRuns = new RemoteRunTracker(storage, upstreams, logger);
  const run = {
    storage,
    logger,
    upstreams,
    maxAttempts: config.MAX_ATTEMPTS,
    serverTools: new ServerTools(config),
    maxWaits: config.UPSTREAM_MAX_WAITS,
    unknownWaitMs: config.UNKNOWN_MODEL_WAIT_SECONDS * 1_000,
    findMissingTool: ({ request }: ModelInput, model: ResolvedModel) =>
      findFirstUnavailableTool(request.tools ?? [], model, config)?.reason,
    isStrict: config.STRICT_EVENTS,
    streamsCalls: config.STREAM_CALL_ARGUMENTS,
    maxToolCalls: config.MAX_TOOL_CALLS,
    stopsAtSpendLimit: config.SPEND_LIMIT_STOPS_RUNS,
    remoteRuns: upstreams.hasBackground ? remoteRuns : undefined,
    workerName: config.processName,
  };
  return { run, remoteRuns };
}
