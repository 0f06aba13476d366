/**
 * Makes the calls of one turn, side by side unless they need one another, and answers each with its result. A call whose
 * result is in the journal is not made again; one that was begun in an attempt that was cut off is, but only if it changes
 * nothing.
 */
import type { Logger } from "pino";
import type { ToolCall, ToolResult } from "../../src/store/tool-journal.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import { truncateMiddle } from "./truncate-output.ts";
import type { ServerFunction } from "./tool.ts";

/** Calls of one turn that are made at the same time. */
const MAX_PARALLEL_CALLS = 8;
/** What is kept of one call's output, in characters. Tools have smaller bounds of their own, and so has what the model is shown. */
const MAX_OUTPUT_CHARACTERS = 1024 * 1024;

export interface CallDependencies {
  functions: ReadonlyMap<string, ServerFunction>;
  journal: RunJournal;
  signal: AbortSignal;
  logger: Logger;
  progress: (call: ToolCall, details: unknown) => void;
  /** Resolves once the call's end is in the log; and when it will never be, for the run is over then. */
  whenLogged: (call: ToolCall) => Promise<void>;
  /** Keeps the run on this worker until the call is shown: it changes something, and could not be made again. */
  deferHandOver: (call: ToolCall) => void;
}

/** Results by call id. A promise rejects with the signal's reason, or with what made writing impossible. */
export function executeCalls(
  calls: readonly ToolCall[],
  dependencies: CallDependencies,
): Map<string, Promise<ToolResult>> {
  // The last one is for calls that need those before them.
  const lanes = Array.from({ length: MAX_PARALLEL_CALLS + 1 }, () => Promise.resolve());
  return new Map(
    calls.map((call, i) => {
      const lane =
        dependencies.functions.get(call.name)?.isSequential === true ? MAX_PARALLEL_CALLS : i % MAX_PARALLEL_CALLS;
      const result = lanes[lane]!.then(() => executeCall(call, dependencies));
      // Whoever waits for the result is told of its failure; the next call of the lane is not held up by it.
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
  { functions, journal, signal, logger, progress, deferHandOver }: CallDependencies,
) {
  const fn = functions.get(call.name);
  if (fn === undefined) return createToolError(`The tool '${call.name}' is not available any more.`);
  if (!isJsonObject(call.arguments)) return createToolError("The arguments of this call are not a JSON object.");
  if (!fn.isReadOnly && journal.hasStarted(call.callId)) return createToolError(INTERRUPTED);
  // Nothing of the call is done while it waits: a run that is handed over then has nothing to lose.
  using _place = await fn.acquirePermit?.(signal);
  signal.throwIfAborted();
  if (!fn.isReadOnly) {
    deferHandOver(call);
    await journal.addStart(call.callId);
  }
  try {
    const result = await fn.run(call, { signal, reportProgress: (details) => progress(call, details) });
    return { ...result, output: limitOutput(result.output) };
  } catch (error) {
    signal.throwIfAborted();
    logger.error({ err: error, tool: call.name }, "A tool failed in a way that it does not know");
    return createToolError("The tool failed.");
  }
}

/** What the model is told of a call that may have been made, and whose result was lost. */
export const INTERRUPTED =
  "The server was interrupted while this call was being made. It may or may not have taken effect, and was not made again.";

/** What the model is told of a call that could not be made. */
export function createToolError(message: string): ToolResult {
  return { output: message, isError: true, details: null };
}

function isJsonObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function limitOutput(output: ToolResult["output"]): ToolResult["output"] {
  return typeof output === "string" ? truncateMiddle(output, MAX_OUTPUT_CHARACTERS) : output;
}
