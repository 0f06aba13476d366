/**
 * The code interpreter as this server runs it: Python in a container that keeps its state from call to call, and from
 * response to response of a chain or a conversation. The model has one function, which takes code.
 */
import type { Config } from "../../../src/config/config.ts";
import { containerIdFor, isContainerId } from "../../../src/protocol/id.ts";
import type { FunctionTool, Tool } from "../../../src/protocol/tool.ts";
import type { ToolResult } from "../../../src/store/tool-journal.ts";
import { createOpenTool, createToolError, type ToolDefinition, type ToolKind, type ToolSession } from "../tool.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { toToolResult } from "./cell-result.ts";
import { codeInterpreterItems, PYTHON_FUNCTION } from "./code-interpreter-items.ts";
import { type ConversationFiles, collectConversationFiles } from "./conversation-files.ts";
import { JsonStringReader } from "./json-string-reader.ts";
import { ContainerBusyError, ContainerNotFoundError, LiveContainers } from "./live-containers.ts";
import { PythonStartError } from "./python-process.ts";
import { PythonProcessPool } from "./python-process-pool.ts";
import { PythonInputError } from "./python-sandbox.ts";
import { CODE_ARGUMENT, presentCodeCall } from "./code-call-presenter.ts";

type CodeInterpreterTool = Extract<Tool, { type: "code_interpreter" }>;

const MIB = 1024 * 1024;
/** A process has the interpreter's own memory, its files, and what V8 needs. */
const PROCESS_MEMORY_FACTOR = 2;

export const codeInterpreter: ToolDefinition = { items: codeInterpreterItems, openKind: openCodeInterpreterKind };

export function openCodeInterpreterKind(config: Config): ToolKind {
  const interpreterMemoryBytes = config.CODE_INTERPRETER_MEMORY_MB * MIB;
  const processes = new PythonProcessPool({
    max: config.CODE_INTERPRETER_PROCESSES,
    reservePercent: config.FAIR_RESERVE_PERCENT,
    limits: { interpreterMemoryBytes, processMemoryBytes: interpreterMemoryBytes * PROCESS_MEMORY_FACTOR },
  });
  const containers = new LiveContainers(processes);
  return {
    types: ["code_interpreter"],
    open: async (tool, session) => {
      // A request that needs it was refused; the simulator's may name it and leave it unused.
      if (!config.CODE_INTERPRETER) return createOpenTool([]);
      const place = await chooseContainer(tool as CodeInterpreterTool, session);
      const given = collectConversationFiles(session.context, processes.limits);
      return createOpenTool([
        {
          definition: defineFunction(given),
          isReadOnly: false,
          isSequential: true,
          itemType: "code_interpreter_call",
          presentCall: (at) => presentCodeCall(place.containerId, at),
          acquirePermit: async (signal) => await processes.acquirePermit(session.project, signal),
          run: async (call, { signal }) => {
            const code = readCode(call.arguments);
            if (code === undefined) return createToolError(`'${CODE_ARGUMENT}' must be a string.`);
            const hasEarlierCells = session.context.some(isCompletedCell);
            const cell = { ...place, hasEarlierCells, project: session.project, code, files: given.files };
            const timeoutMs = config.CODE_INTERPRETER_TIMEOUT_MS;
            return await withErrorResults(session, async () =>
              toToolResult(await containers.run(session.containers, { ...cell, timeoutMs }, signal)),
            );
          },
        },
      ]);
    },
    [Symbol.asyncDispose]: () => containers[Symbol.asyncDispose](),
  };
}

interface ContainerChoice {
  containerId: string;
  mayCreate: boolean;
}

/** The container that is named; or else the one that the conversation used last, if there still is one; or else a new one. */
async function chooseContainer({ container }: CodeInterpreterTool, session: ToolSession): Promise<ContainerChoice> {
  if (typeof container === "string") return { containerId: container, mayCreate: false };
  const own = containerIdFor(session.responseId);
  const last = session.context.findLast((item) => item.type === "code_interpreter_call");
  const before = last?.type === "code_interpreter_call" ? last.container_id : own;
  if (before === own || !isContainerId(before)) return { containerId: own, mayCreate: true };
  const isThere = (await session.containers.readVersion(before)) !== undefined;
  return isThere ? { containerId: before, mayCreate: false } : { containerId: own, mayCreate: true };
}

/** Of the conversation's container, whichever that was: the model goes on from what it did. */
function isCompletedCell(item: ContextItem): boolean {
  return item.type === "code_interpreter_call" && item.status === "completed";
}

/** As the client was shown it. */
function readCode(json: string): string | undefined {
  const reader = new JsonStringReader(CODE_ARGUMENT);
  reader.push(json);
  return reader.isFound ? reader.text : undefined;
}

async function withErrorResults({ logger }: ToolSession, run: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof PythonStartError) {
      logger.error({ err: error }, "The Python interpreter does not start");
      return createToolError("The code interpreter is not available at the moment.");
    }
    const isKnown =
      error instanceof PythonInputError ||
      error instanceof ContainerBusyError ||
      error instanceof ContainerNotFoundError;
    if (!isKnown) throw error;
    return createToolError(error.message);
  }
}

const DESCRIPTION = [
  "Runs Python code and returns what it prints and the value of its last expression.",
  "Variables, imports and files are kept from call to call.",
  "There is no network, and only the standard library: no numpy, pandas or matplotlib.",
  "Images that the code writes to its working folder, or shows with display(bytes), are shown to the user.",
].join(" ");

function defineFunction({ files, omittedNames }: ConversationFiles): FunctionTool {
  const names = files.map(({ name }) => name).join(", ");
  const description = [
    DESCRIPTION,
    ...(files.length === 0 ? [] : [`The working folder has these files of the conversation: ${names}.`]),
    ...(omittedNames.length === 0 ? [] : [`There was no room for: ${omittedNames.join(", ")}.`]),
  ].join(" ");
  return {
    type: "function",
    name: PYTHON_FUNCTION,
    description,
    parameters: {
      type: "object",
      properties: { [CODE_ARGUMENT]: { type: "string", description: "Python 3 source code." } },
      required: [CODE_ARGUMENT],
      additionalProperties: false,
    },
  };
}
