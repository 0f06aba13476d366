/**
 * The contract between a run and a tool that this server runs. Each tool is a folder; registry.ts lists them, and
 * test/conformance/tool-suite.ts tests them all.
 *
 * A model knows a tool only as functions. When it calls one, the log shows the tool's own item (`web_search_call`,
 * `mcp_call` …) instead of a function call: the tool does the work, and says how each step looks. It never sees leases,
 * sequence numbers or Redis.
 *
 * A run records a call's result before the model sees it, and never executes that call again. If a crash loses the result
 * of a call that may have started, the run repeats the call only if its function is read-only.
 */
import type { Logger } from "pino";
import type { Config } from "../../src/config/config.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { FunctionTool, Tool } from "../../src/protocol/tool.ts";
import type { StoredContainer, ContainerChange } from "../../src/store/containers.ts";
import type { ToolCall, ToolResult } from "../../src/store/run-journals.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { ContextItem, UpstreamCall } from "../upstreams/upstream.ts";
import type { ToolItems } from "./tool-items.ts";

export type { ToolCall, ToolResult } from "../../src/store/run-journals.ts";

/** One entry of a request's `tool_choice`, as the request has it. */
export type ToolChoiceEntry = Record<string, unknown>;

/** All that the server knows of a tool. Its folder exports one, and registry.ts lists it. */
export interface ToolDefinition {
  items: ToolItems;
  /** Absent if only providers run the tool. A worker reads all documents with one reader. */
  openKind?(config: Config, documents?: DocumentReader): ToolKind;
  /** Whether `tool_choice` means this tool of the request. Undefined for another kind's tool; by default the types are equal. */
  matchesChoice?(choice: ToolChoiceEntry, tool: Tool): boolean | undefined;
}

/** A tool with this server's settings, and with the resources that its calls share. */
export interface ToolKind extends Partial<AsyncDisposable> {
  readonly types: readonly Tool["type"][];
  /**
   * Prepares a tool of the request. An expected failure, such as a server that does not answer, becomes an item. Rejects
   * with the signal's reason.
   */
  open(tool: Tool, session: ToolSession): Promise<OpenTool>;
}

/** The response that a tool is opened for. */
export interface ToolSession {
  readonly responseId: string;
  readonly project: string;
  readonly request: UpstreamCall["request"];
  /** The conversation before this response, then the response's items in the log, oldest first. */
  readonly context: readonly ContextItem[];
  /** The part of `context` that this request brought. An approval counts only in the request that gives it. */
  readonly requestItems: readonly ContextItem[];
  /** The part of `context` that the response produced. While the tool opens, these come from an earlier attempt. */
  readonly responseItems: readonly OutputItem[];
  /** Aborted when generation must stop. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Shows the listing of a server's tools as the step of the run. `type` is that of the item that it writes. */
  trackListing: <T extends { isListed: boolean }>(type: string, server: string, run: () => Promise<T>) => Promise<T>;
  /** State that outlives the response, by container id. */
  readonly containers: ProjectContainers;
  /** The output index of the response's next item. */
  nextIndex: () => number;
  /**
   * Writes what a tool found while it opened, such as the list of a server's tools. Nothing else writes at the same time.
   * After a crash the items are in `context`, so that the tool need not find them again.
   */
  writeEvents: (events: readonly ItemEventDraft[]) => Promise<void>;
}

/** The project's containers. */
export interface ProjectContainers {
  readVersion(id: string): Promise<number | undefined>;
  read(id: string): Promise<StoredContainer | undefined>;
  /** The container lives at least as long as the response may run. False if another worker has changed it since it was read. */
  write(id: string, change: ContainerChange): Promise<boolean>;
}

export interface OpenTool extends AsyncDisposable {
  readonly functions: readonly ServerFunction[];
  /** A note to the model about a tool that it is not offered. It follows the instructions. */
  readonly note?: string;
  /** Calls of an earlier response that this request approves. */
  readonly approved?: readonly ApprovedCall[];
}

/** A tool that needs no closing. */
export function createOpenTool(functions: readonly ServerFunction[]): OpenTool {
  return { functions, [Symbol.asyncDispose]: () => Promise.resolve() };
}

export interface ApprovedCall {
  fn: ServerFunction;
  /** JSON, as the model wrote it. */
  arguments: string;
  approvalRequestId: string;
}

/** The tools of one response, opened. */
export interface OpenTools extends AsyncDisposable {
  /** Functions by the name that the model uses. */
  readonly functions: ReadonlyMap<string, ServerFunction>;
  /** The client's functions and the server's: each tool's functions take its position. */
  readonly offered: readonly Tool[];
  matchesChoice: (choice: ToolChoiceEntry, tool: Tool) => boolean;
  /** The functions that the matching tools of the request became. */
  findFunctions: (matches: (tool: Tool, fn: ServerFunction) => boolean) => readonly FunctionTool[];
  /** Calls that the client's input approves. */
  readonly approved: readonly ToolCall[];
  /** Notes to the model about tools that it is not offered, without duplicates. */
  readonly notes: readonly string[];
}

/** A function that the model calls and this server runs. */
export interface ServerFunction {
  /** Its name gets a number if it is taken. */
  readonly definition: FunctionTool;
  /** The name by which `tool_choice` selects one of the tool's functions, if it can. */
  readonly toolName?: string;
  /** Whether a call changes nothing, so that it can be repeated if its result is lost. */
  readonly isReadOnly: boolean;
  /** Whether a call may need what the one before it left. A turn's calls then run one after another, each once the log has the last. */
  readonly isSequential?: boolean;
  /** The type of the item that shows a call. */
  readonly itemType: OutputItem["type"];
  /** The item that asks the client, if the function needs approval. The call then does not run in this response. */
  createApprovalRequest?(call: ToolCall): OutputItem;
  presentCall(position: CallPosition): CallPresenter;
  /**
   * Waits for a scarce resource before the call has any effect. The run disposes of the permit when the call has ended.
   * Rejects with the signal's reason.
   */
  acquirePermit?(signal: AbortSignal): Promise<Disposable>;
  /** Executes the call. A failure is a result with `isError`, for the model to read. Rejects with the signal's reason. */
  run(call: ToolCall, options: ToolRunOptions): Promise<ToolResult>;
}

export interface ToolRunOptions {
  signal: AbortSignal;
  /** Shows an intermediate state, such as a partial image, if the item has one. */
  reportProgress: (details: unknown) => void;
}

/** A result that tells the model why a call failed. */
export function createToolError(message: string): ToolResult {
  return { output: message, isError: true, details: null };
}

/** The position of a call in the log. */
export interface CallPosition {
  itemId: string;
  output_index: number;
  approvalRequestId?: string | undefined;
}

/** A call's events in the log, step by step, in a legal order (contract.md#item-events). */
export interface CallPresenter {
  /** `output_item.added`, and the item's first status. */
  open(): ItemEventDraft[];
  /** A piece of the arguments' JSON, as the model writes it. */
  delta(json: string): ItemEventDraft[];
  /** The arguments are complete, and the call starts. */
  begin(json: string): ItemEventDraft[];
  progress?(details: unknown): ItemEventDraft[];
  /** The final status, and `output_item.done`. The result may come from the journal: its `details` are not trusted. */
  end(result: ToolResult): ItemEventDraft[];
}
