/** The dependencies of every run in a process: a worker's, or a quarantined one's. */
import type { WorkerContext } from "../../src/context.ts";
import { openDocumentReader } from "../documents/document-reader.ts";
import { InputFiles } from "../input-files/input-files.ts";
import { FetchPolicy } from "../net/fetch-policy.ts";
import { GuardedFetch } from "../net/guarded-fetch.ts";
import { RemoteRunTracker } from "../remote/remote-run-tracker.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { findFirstUnavailableTool } from "../../src/providers/unavailable-tools.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { RunDependencies } from "../run/run-response.ts";
import { openToolKinds, ServerTools } from "../tools/registry.ts";
import { Upstreams } from "../upstreams/registry.ts";

export interface WorkerDependencies {
  run: RunDependencies;
  /** Also tracks remote runs of providers whose background mode was turned off since. */
  remoteRuns: RemoteRunTracker;
  /** Ends the processes of tools and documents. */
  close: () => Promise<void>;
}

export function openDependencies(context: WorkerContext): WorkerDependencies {
  const { catalog, config, logger, storage } = context;
  const documents = openDocumentReader(config);
  const upstreams = new Upstreams(catalog, config, logger);
  const remoteRuns = new RemoteRunTracker(storage, upstreams, logger);
  const run = {
    storage,
    logger,
    upstreams,
    maxAttempts: config.MAX_ATTEMPTS,
    serverTools: new ServerTools(config, openToolKinds(config, documents)),
    inputFiles: new InputFiles({
      storage,
      blobs: context.blobs,
      fetch: new GuardedFetch({ policy: new FetchPolicy(config.FETCH_ALLOWED_HOSTS) }),
      documents,
      maxBytes: config.MAX_INPUT_FILE_BYTES,
    }),
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
  return {
    run,
    remoteRuns,
    close: async () => {
      await Promise.all([run.serverTools[Symbol.asyncDispose](), documents[Symbol.asyncDispose]()]);
    },
  };
}
