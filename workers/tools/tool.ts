/**
 * The contract between a run and a tool that this server runs itself. Implementations are in `tools/`; `tools.ts` says which
 * serves what; test/conformance/tool-suite.ts runs over each of them.
 *
 * The model knows a tool only as functions. When it calls one, the run does not show a function call but what the tool
 * makes of it (`web_search_call`, `mcp_call` …): the tool says how each step looks in the log, and does the work. Neither
 * sees Redis, leases or sequence numbers.
 *
 * What a call answers is recorded before the model is shown it, and the call is never made again. A call that may have
 * been made, and whose answer was lost in a crash, is made again only if its function is read-only.
 */
import type { Logger } from "pino";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { FunctionTool, Tool } from "../../src/protocol/tool.ts";
import type { StoredContainer, ContainerChange } from "../../src/store/containers.ts";
import type { ToolCall, ToolResult } from "../../src/store/tool-journal.ts";
import type { ContextItem, UpstreamCall } from "../upstreams/upstream.ts";

export type { ToolCall, ToolResult } from "../../src/store/tool-journal.ts";

/** What a tool is told of the response that it is opened for. */
export interface ToolSession {
  readonly responseId: string;
  readonly project: string;
  readonly request: UpstreamCall["request"];
  /** The conversation before this response, and what the response has produced, as the log stands now: oldest first. */
  readonly context: readonly ContextItem[];
  /** The part of `context` that this response's request brought: approvals count once, where they were given. */
  readonly requestItems: readonly ContextItem[];
  /** The part of `context` that the response has produced: when the tool is opened, in an attempt that was cut off. */
  readonly responseItems: readonly OutputItem[];
  /** Aborted when nothing more is to be generated. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** What outlives the response, under the ids of containers. */
  readonly containers: ProjectContainers;
  /** Where the next item of the response goes. */
  nextIndex: () => number;
  /**
   * Shows what was found while opening, like the list of a server's tools. Nothing else writes meanwhile. What is shown is
   * in `context` when the response is gone on with after a crash, and need not be found again.
   */
  writeEvents: (events: readonly ItemEventDraft[]) => Promise<void>;
}

/** The project's containers. Whoever changed one since it was read is told by `write`. */
export interface ProjectContainers {
  readVersion(id: string): Promise<number | undefined>;
  read(id: string): Promise<StoredContainer | undefined>;
  /** It is kept for as long as the response is at the longest. False if somebody else has changed it since. */
  write(id: string, change: ContainerChange): Promise<boolean>;
}

export interface ToolKind extends Partial<AsyncDisposable> {
  readonly types: readonly Tool["type"][];
  /**
   * Makes a tool of the request ready. What goes wrong with it (a server that does not answer) is shown as an item; it
   * rejects with the signal's reason, and with nothing else that is expected.
   */
  open(tool: Tool, session: ToolSession): Promise<OpenTool>;
}

export interface OpenTool extends AsyncDisposable {
  readonly functions: readonly ServerFunction[];
  /** What the model has to know of a tool that it is not offered. It goes behind the instructions. */
  readonly note?: string;
  /** Calls that were asked for before, and that the client's input has approved. */
  readonly approved?: readonly ApprovedCall[];
}

export interface ApprovedCall {
  fn: ServerFunction;
  /** JSON, as the model wrote it. */
  arguments: string;
  approvalRequestId: string;
}

/** A function that the model may call and this server runs. */
export interface ServerFunction {
  /** As the model is offered it; its name gets a number if it is taken. */
  readonly definition: FunctionTool;
  /** The name by which a request's `tool_choice` picks it among the functions of its tool. */
  readonly toolName?: string;
  /** It changes nothing, so that it may be called again if it is not known whether it was. */
  readonly isReadOnly: boolean;
  /** Each of its calls may need what the one before it left: those of a turn are made one after the other, each when the log has the one before. */
  readonly isSequential?: boolean;
  /** The type of the item that shows a call of it. */
  readonly itemType: OutputItem["type"];
  /** If it needs the client's approval: the item that asks for it. The call is then not made in this response. */
  createApprovalRequest?(call: ToolCall, itemId: string): OutputItem;
  presentCall(place: CallPosition): CallPresenter;
  /**
   * Waits in line for what this server has few of, before anything of the call is done. What it resolves with is disposed
   * of when the call is over. Rejects with the signal's reason when it is aborted meanwhile.
   */
  acquirePermit?(signal: AbortSignal): Promise<Disposable>;
  /**
   * Makes the call. What goes wrong with it is a result with `isError`, which the model reads and decides on. It rejects
   * with the signal's reason when it is told to stop.
   */
  run(call: ToolCall, options: ToolRunOptions): Promise<ToolResult>;
}

export interface ToolRunOptions {
  signal: AbortSignal;
  /** Shows an intermediate state, if the item that shows the call has one (partial images). */
  reportProgress: (details: unknown) => void;
}

/** Where a call is shown. */
export interface CallPosition {
  itemId: string;
  output_index: number;
  approvalRequestId?: string | undefined;
}

/** How a call looks in the log, step by step, in a legal order (contract.md#item-events). */
export interface CallPresenter {
  /** `output_item.added`, and that it is in progress. */
  open(): ItemEventDraft[];
  /** A piece of the arguments' JSON, as the model writes it. */
  delta(json: string): ItemEventDraft[];
  /** The arguments are whole, and the call is made. */
  begin(json: string): ItemEventDraft[];
  progress?(details: unknown): ItemEventDraft[];
  /** How it ended, and `output_item.done`. The result may come from the journal: its `details` are not trusted. */
  end(result: ToolResult): ItemEventDraft[];
}
