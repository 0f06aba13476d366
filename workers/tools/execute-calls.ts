/**
 * Executes the calls of one turn in parallel, unless they depend on one another. A call whose result is in the journal is
 * not executed again. A call that an earlier attempt started without a result is repeated only if it changes nothing.
 */
import type { Logger } from "pino";
import { truncateMiddle } from "../../src/context-window/truncate-middle.ts";
import { parseJsonObject } from "../../src/protocol/json-object.ts";
import type { ToolCall, ToolResult } from "../../src/store/run-journals.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import { createToolError, type ServerFunction } from "./tool.ts";

/** Maximum calls of one turn that run at the same time. */
const MAX_PARALLEL_CALLS = 8;
/** Maximum characters recorded of one call's output. Tools have smaller limits of their own, and so does the model's context. */
const MAX_OUTPUT_CHARACTERS = 1024 * 1024;

export interface CallDependencies {
  functions: ReadonlyMap<string, ServerFunction>;
  journal: RunJournal;
  signal: AbortSignal;
  logger: Logger;
  progress: (call: ToolCall, details: unknown) => void;
  /** Resolves once the call's end is in the log, or when the run has ended without it. */
  whenLogged: (call: ToolCall) => Promise<void>;
  /** Runs a call and reports it. */
  track: (call: ToolCall, fn: ServerFunction, run: () => Promise<ToolResult>) => Promise<ToolResult>;
  /** Keeps the run on this worker until the log shows the call: it has effects, and cannot be repeated. */
  deferHandOver: (call: ToolCall) => void;
}

/** Results by call id. A promise rejects with the signal's reason, or with the error that made writing impossible. */
export function executeCalls(
  calls: readonly ToolCall[],
  dependencies: CallDependencies,
): Map<string, Promise<ToolResult>> {
  // The last lane is for sequential calls.
  const lanes = Array.from({ length: MAX_PARALLEL_CALLS + 1 }, () => Promise.resolve());
  return new Map(
    calls.map((call, i) => {
      const lane =
        dependencies.functions.get(call.name)?.isSequential === true ? MAX_PARALLEL_CALLS : i % MAX_PARALLEL_CALLS;
      const result = lanes[lane]!.then(() => executeCall(call, dependencies));
      // A failure reaches the caller through the result. It must not block the lane's next call.
      lanes[lane] = result.then(
        () => (lane === MAX_PARALLEL_CALLS ? dependencies.whenLogged(call) : undefined),
        () => {},
      );
      return [call.callId, result];
    }),
  );
}

async function executeCall(call: ToolCall, dependencies: CallDependencies): Promise<ToolResult> {
  const { journal, signal } = dependencies;
  signal.throwIfAborted();
  const recorded = journal.findResult(call.callId);
  if (recorded !== undefined) return recorded;
  const result = await runFunction(call, dependencies);
  await journal.addResult(call.callId, result);
  return result;
}

async function runFunction(
  call: ToolCall,
  { functions, journal, signal, logger, progress, track, deferHandOver }: CallDependencies,
) {
  const fn = functions.get(call.name);
  if (fn === undefined) return createToolError(`The tool '${call.name}' is no longer available.`);
  if (parseJsonObject(call.arguments) === undefined)
    return createToolError("The arguments of this call are not a JSON object.");
  if (!fn.isReadOnly && journal.hasStarted(call.callId)) return createToolError(INTERRUPTED);
  // While the call waits it has no effect, so the run can still be handed over.
  using _permit = await fn.acquirePermit?.(signal);
  signal.throwIfAborted();
  if (!fn.isReadOnly) {
    deferHandOver(call);
    await journal.addStart(call.callId);
  }
  try {
    const options = { signal, reportProgress: (details: unknown) => progress(call, details) };
    const result = await track(call, fn, () => fn.run(call, options));
    return { ...result, output: limitOutput(result.output) };
  } catch (error) {
    signal.throwIfAborted();
    logger.error({ err: error, tool: call.name }, "A tool threw an unexpected error");
    return createToolError("The tool failed.");
  }
}

/** The result of a call that may have run before a crash, and whose own result is lost. */
export const INTERRUPTED =
  "The server was interrupted during this call. The call may or may not have taken effect, and was not repeated.";

function limitOutput(output: ToolResult["output"]): ToolResult["output"] {
  return typeof output === "string" ? truncateMiddle(output, MAX_OUTPUT_CHARACTERS) : output;
}
