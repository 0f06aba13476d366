/**
 * The meaning of a tool's items, which may come from this response, an earlier one, or the client. It does not depend
 * on the configuration: a conversation keeps its items when a tool is turned off.
 *
 * Each tool describes its own items (ToolItems); registry.ts combines them, so that the rest of a run names no tool.
 */
import { z } from "zod";
import { itemIdPrefix } from "../../src/protocol/id.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ToolUsage } from "../../src/protocol/response.ts";
import type { ToolCall, ToolResult } from "../../src/store/run-journals.ts";
import type { ContextItem } from "../upstreams/upstream.ts";

/** An executed call, and the turn that asked for it. */
export interface ExecutedCall {
  call: ToolCall;
  result: ToolResult;
  turn: string;
}

/** `call`: the model sees a function call with its output. `hidden`: the model does not see the item. */
export type RenderedItem =
  | { kind: "call"; name: string; arguments: string; output: ToolResult["output"] }
  | { kind: "hidden" };

const citedSourceSchema = z.object({ url: z.string(), title: z.string() });
export type CitedSource = z.infer<typeof citedSourceSchema>;
const detailsSchema = z.object({ sources: z.array(citedSourceSchema) });

/** Pages that a call has `read` may be cited. The run uses only the titles of pages that it `listed`. */
export interface CallSources {
  read: readonly CitedSource[];
  listed: readonly CitedSource[];
}

export interface ToolItems {
  /** Types of the items that show the tool's calls. The journal has the results. */
  readonly callTypes: readonly OutputItem["type"][];
  /**
   * How a model sees an item whose call this server did not execute, or whose journal is gone, if its provider does not know
   * the type. Undefined for another tool's item.
   */
  render?(item: ContextItem, conversation: readonly ContextItem[]): RenderedItem | undefined;
  /** Whether an item that a client sends brings its own result, which then replaces the journal's. */
  includesResult?(item: ContextItem): boolean;
  /** The page that such an item has read. */
  findSource?(item: ContextItem): CitedSource | undefined;
  /** The pages of a call that succeeded. */
  readSources?(executed: ExecutedCall): CallSources;
  /** Adds the usage of the item's call that is not counted in tokens. */
  addUsage?(usage: Partial<ToolUsage>, item: OutputItem): Partial<ToolUsage>;
}

/** The model's text where a conversation has a call without its result. */
export const RESULT_UNAVAILABLE = "The result is no longer available.";

/** The sources in a result's `details`, which may come from an older journal. */
export function readCitedSources(details: unknown): CitedSource[] {
  return detailsSchema.safeParse(details).data?.sources ?? [];
}

const NO_SOURCES: CallSources = { read: [], listed: [] };

/** The items of all tools. */
export class ToolItemSet {
  readonly #tools: readonly ToolItems[];

  constructor(tools: readonly ToolItems[]) {
    this.#tools = tools;
  }

  isCall({ type }: ContextItem): boolean {
    return this.#tools.some(({ callTypes }) => callTypes.some((each) => each === type));
  }

  render(item: ContextItem, conversation: readonly ContextItem[]): RenderedItem | undefined {
    for (const tool of this.#tools) {
      const rendered = tool.render?.(item, conversation);
      if (rendered !== undefined) return rendered;
    }
    return undefined;
  }

  includesResult(item: ContextItem): boolean {
    return this.#tools.some((tool) => tool.includesResult?.(item) === true);
  }

  findSource(item: ContextItem): CitedSource | undefined {
    for (const tool of this.#tools) {
      const source = tool.findSource?.(item);
      if (source !== undefined) return source;
    }
    return undefined;
  }

  /** The item's id says which tool's call it shows. */
  readSources(itemId: string, executed: ExecutedCall): CallSources {
    const isOf = (type: string) => itemId.startsWith(`${itemIdPrefix(type)}_`);
    return this.#tools.find(({ callTypes }) => callTypes.some(isOf))?.readSources?.(executed) ?? NO_SOURCES;
  }

  /** The same object if the item's call used nothing but tokens. */
  addUsage(usage: Partial<ToolUsage>, item: OutputItem): Partial<ToolUsage> {
    return this.#tools.reduce((sum, tool) => tool.addUsage?.(sum, item) ?? sum, usage);
  }
}
