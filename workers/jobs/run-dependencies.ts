/** What every run in a process works with, whether it has company there or not. */
import type { WorkerContext } from "../../src/context.ts";
import { BackgroundUpstreams } from "../remote/background-upstreams.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { unavailableTool } from "../../src/providers/server-tools.ts";
import type { Conversation } from "../../src/responses/conversations/conversation.ts";
import type { RunDependencies } from "../run/run-response.ts";
import { ServerTools } from "../tools/registry.ts";
import { Upstreams } from "../upstreams/registry.ts";

export interface OpenedDependencies {
  run: RunDependencies;
  /** Also what providers that are not to run in their background any more still have. */
  background: BackgroundUpstreams;
}

export function openDependencies({ catalog, config, logger, storage }: WorkerContext): OpenedDependencies {
  const upstreams = new Upstreams(catalog, config, logger);
  const background = new BackgroundUpstreams(storage, upstreams);
  const run = {
    storage,
    upstreams,
    maxAttempts: config.MAX_ATTEMPTS,
    serverTools: new ServerTools(config),
    maxWaits: config.UPSTREAM_MAX_WAITS,
    unknownWaitMs: config.UNKNOWN_MODEL_WAIT_SECONDS * 1_000,
    missingTool: ({ request }: Conversation, model: ResolvedModel) =>
      unavailableTool(request.tools ?? [], model, config)?.reason,
    isStrict: config.STRICT_EVENTS,
    streamsCalls: config.STREAM_CALL_ARGUMENTS,
    maxToolCalls: config.MAX_TOOL_CALLS,
    background: upstreams.hasBackground ? background : undefined,
    workerName: config.processName,
  };
  return { run, background };
}
