/**
 * The code interpreter of this server: Python in a container that keeps its state between calls, and between the
 * responses of a chain or a conversation. The model has one function, which takes code.
 */
import type { Config } from "../../../src/config/config.ts";
import { containerIdFor, isContainerId } from "../../../src/protocol/id.ts";
import type { FunctionTool, Tool } from "../../../src/protocol/tool.ts";
import type { ToolResult } from "../../../src/store/run-journals.ts";
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
/** A process needs memory for the interpreter, its files, and V8. */
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
      // Validation rejects a request that needs the interpreter. The simulator may leave the tool unused.
      if (!config.CODE_INTERPRETER) return createOpenTool([]);
      const container = await chooseContainer(tool as CodeInterpreterTool, session);
      const conversationFiles = collectConversationFiles(session.context, processes.limits);
      return createOpenTool([
        {
          definition: defineFunction(conversationFiles),
          isReadOnly: false,
          isSequential: true,
          itemType: "code_interpreter_call",
          presentCall: (position) => presentCodeCall(container.containerId, position),
          acquirePermit: async (signal) => await processes.acquirePermit(session.project, signal),
          run: async (call, { signal }) => {
            const code = readCode(call.arguments);
            if (code === undefined) return createToolError(`'${CODE_ARGUMENT}' must be a string.`);
            const hasEarlierCells = session.context.some(isCompletedCell);
            const cell = {
              ...container,
              hasEarlierCells,
              project: session.project,
              code,
              files: conversationFiles.files,
            };
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

/**
 * The container that the request names, or else the last container of the conversation if it still exists, or else a
 * new one.
 */
async function chooseContainer({ container }: CodeInterpreterTool, session: ToolSession): Promise<ContainerChoice> {
  if (typeof container === "string") return { containerId: container, mayCreate: false };
  const created = { containerId: containerIdFor(session.responseId), mayCreate: true };
  const last = session.context.findLast((item) => item.type === "code_interpreter_call");
  const lastId = last?.type === "code_interpreter_call" ? last.container_id : created.containerId;
  if (lastId === created.containerId || !isContainerId(lastId)) return created;
  const exists = (await session.containers.readVersion(lastId)) !== undefined;
  return exists ? { containerId: lastId, mayCreate: false } : created;
}

/** In any container: the model relies on the state that the cell left. */
function isCompletedCell(item: ContextItem): boolean {
  return item.type === "code_interpreter_call" && item.status === "completed";
}

/** The code, as the client saw it. */
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
      logger.error({ err: error }, "The Python interpreter did not start");
      return createToolError("The code interpreter is currently unavailable.");
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
  "Variables, imports and files persist between calls.",
  "It has no network, and only the standard library: no numpy, pandas or matplotlib.",
  "The user sees images that the code writes to its working folder or shows with display(bytes).",
].join(" ");

function defineFunction({ files, omittedNames }: ConversationFiles): FunctionTool {
  const names = files.map(({ name }) => name).join(", ");
  const description = [
    DESCRIPTION,
    ...(files.length === 0 ? [] : [`The working folder contains these files of the conversation: ${names}.`]),
    ...(omittedNames.length === 0 ? [] : [`These files did not fit: ${omittedNames.join(", ")}.`]),
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
