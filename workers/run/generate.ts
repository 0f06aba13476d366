/** Generates a response's output: finds what its request needs, runs the loop, and turns known errors into a finish. */
import { IllegalEventError } from "../../src/lifecycle/apply-event.ts";
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { type ModelInput, loadModelInput, MissingHistoryError } from "../../src/responses/conversations/model-input.ts";
import { UnreadableContentError } from "../../src/sealing/content-sealer.ts";
import type { Attempt } from "../attempt/attempt.ts";
import { FilesUnavailableError, InputFileError } from "../input-files/input-file-error.ts";
import type { InputFiles } from "../input-files/input-files.ts";
import { TurnTooLongError } from "../turn/held-characters.ts";
import type { Upstreams } from "../upstreams/registry.ts";
import { failedFinish, type UpstreamFinish } from "../upstreams/upstream.ts";
import type { Generated } from "./attempt-outcome.ts";
import type { OutputItems } from "../attempt/output-items.ts";
import type { LoopDependencies } from "./loop/loop-context.ts";
import { runLoop } from "./loop/run-loop.ts";
import { ToolGoneError } from "./loop/segment-writer.ts";
import type { UnsupportedResponse } from "./unsupported-response.ts";

const FILES_RETRY_MS = 5_000;

export interface GenerateDependencies extends LoopDependencies {
  upstreams: Pick<Upstreams, "find">;
  inputFiles: Pick<InputFiles, "load">;
  /** Returns a sentence about a tool of the request that this worker's configuration cannot run. */
  findMissingTool: (input: ModelInput, model: ResolvedModel) => string | undefined;
}

export async function generate(
  dependencies: GenerateDependencies,
  attempt: Attempt,
  output: OutputItems,
  unsupported: UnsupportedResponse,
): Promise<Generated> {
  try {
    return await runSupported(dependencies, attempt, output, unsupported);
  } catch (error) {
    if (error instanceof MissingHistoryError) return toGenerated(failedFinish("invalid_prompt", error.message));
    if (error instanceof InputFileError) return toGenerated(failedFinish(error.code, error.message));
    if (error instanceof FilesUnavailableError) return toGenerated(postponedFinish(error));
    if (error instanceof ToolGoneError) return unsupported.conclude("server_error", error.message);
    if (error instanceof TurnTooLongError) return toGenerated(failedFinish("server_error", error.message));
    if (error instanceof UnreadableContentError) return unsupported.conclude("invalid_prompt", error.message, "input");
    if (error instanceof IllegalEventError) {
      const { logger } = dependencies;
      logger.error({ err: error, responseId: attempt.id }, "The provider sent an illegal stream");
      return toGenerated(failedFinish("server_error", "The provider sent a stream that could not be understood."));
    }
    throw error;
  }
}

async function runSupported(
  dependencies: GenerateDependencies,
  attempt: Attempt,
  output: OutputItems,
  unsupported: UnsupportedResponse,
): Promise<Generated> {
  const { storage, upstreams } = dependencies;
  const input = await loadModelInput(storage, attempt.id, attempt.record.project);
  if (input === undefined) return toGenerated(failedFinish("server_error", "The request of this response is gone."));
  const { model } = input.request;
  const found = upstreams.find(model);
  if (found === undefined) return unsupported.conclude("server_error", `The model '${model}' is not configured.`);
  const missing = unsupported.mayRequeue ? dependencies.findMissingTool(input, found.resolved) : undefined;
  if (missing !== undefined) return unsupported.conclude("server_error", missing);
  await unsupported.markSupported(storage, attempt.id);
  const loaded = await dependencies.inputFiles.load(input, found.resolved.provider, attempt.control.generating);
  return toGenerated(await runLoop(dependencies, attempt, { ...found, ...loaded, output }));
}

/** Another attempt may read the files. */
function postponedFinish({ message, cause }: FilesUnavailableError): UpstreamFinish {
  const error = responseError("server_error", message);
  const reason = cause instanceof Error ? cause.message : undefined;
  return { type: "finish", status: "postponed", error, cause: reason, retryAfterMs: FILES_RETRY_MS };
}

function toGenerated(finish: UpstreamFinish): Generated {
  return finish.status === "postponed" ? { kind: "postponed", finish } : { kind: "finished", finish };
}
