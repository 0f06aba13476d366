/** The tools that this server runs. To add one, create its folder and add it to TOOLS. */
import type { Config } from "../../src/config/config.ts";
import { newCallId } from "../../src/protocol/id.ts";
import type { FunctionTool, Tool } from "../../src/protocol/tool.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import { codeInterpreter } from "./code-interpreter/code-interpreter.ts";
import { fileSearch } from "./file-search/file-search.ts";
import { imageGeneration } from "./image-generation/image-generation.ts";
import { mcp } from "./mcp/mcp.ts";
import type {
  OpenTool,
  OpenTools,
  ServerFunction,
  ToolChoiceEntry,
  ToolDefinition,
  ToolKind,
  ToolSession,
} from "./tool.ts";
import { ToolItemSet } from "./tool-items.ts";
import { webSearch } from "./web-search/web-search.ts";

const TOOLS: readonly ToolDefinition[] = [codeInterpreter, fileSearch, imageGeneration, mcp, webSearch];

export const TOOL_ITEMS = new ToolItemSet(TOOLS.map(({ items }) => items));

/** `documents` is what the worker reads documents with. Without it, a tool that reads documents opens its own. */
export function openToolKinds(config: Config, documents?: DocumentReader): ToolKind[] {
  return TOOLS.flatMap((tool) => tool.openKind?.(config, documents) ?? []);
}

export class ServerTools implements AsyncDisposable {
  readonly items = TOOL_ITEMS;
  readonly #kinds: ReadonlyMap<Tool["type"], ToolKind>;

  constructor(config: Config, kinds = openToolKinds(config)) {
    this.#kinds = new Map(kinds.flatMap((kind) => kind.types.map((type) => [type, kind] as const)));
  }

  /** Opens the request's tools that the provider does not run itself, one after another: each may write items. */
  async open(session: ToolSession, isHosted: (tool: Tool) => boolean): Promise<OpenTools> {
    const { tools } = session.request;
    const opened: OpenedTool[] = [];
    const close = async () => {
      await Promise.allSettled(opened.map(async ({ open }) => await open?.[Symbol.asyncDispose]()));
    };
    try {
      for (const tool of tools ?? []) {
        const kind = isHosted(tool) ? undefined : this.#kinds.get(tool.type);
        opened.push({ tool, open: await kind?.open(tool, session) });
      }
    } catch (error) {
      await close();
      throw error;
    }
    return nameFunctions(opened, clientNames(session), close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(
      [...new Set(this.#kinds.values())].map(async (kind) => await kind[Symbol.asyncDispose]?.()),
    );
  }
}

interface OpenedTool {
  tool: Tool;
  open: OpenTool | undefined;
}

/** Names of the client's functions, also of those that the conversation added, in each spelling that a provider may use. */
function clientNames({ request, context }: ToolSession): Set<string> {
  const added = context.flatMap((item) => (item.type === "additional_tools" ? (item.tools as Tool[]) : []));
  return new Set([...(request.tools ?? []), ...added].flatMap(functionNames));
}

function functionNames(tool: Tool): string[] {
  if (!("name" in tool)) return [];
  const inner = tool.type === "namespace" ? tool.tools.flatMap(({ name }) => [name, `${tool.name}__${name}`]) : [];
  return [tool.name, ...inner];
}

/** A client's function keeps its name. A server's function gets a number if its name is taken. */
function nameFunctions(opened: readonly OpenedTool[], taken: Set<string>, close: () => Promise<void>): OpenTools {
  const functions = new Map<string, ServerFunction>();
  const names = new Map<ServerFunction, string>();
  const definitions = new Map<Tool, { fn: ServerFunction; definition: FunctionTool }[]>();
  for (const { tool, open } of opened) {
    if (open === undefined) continue;
    const named = open.functions.map((fn) => {
      const name = chooseName(fn.definition.name, taken);
      functions.set(name, fn);
      names.set(fn, name);
      return { fn, definition: { ...fn.definition, name } };
    });
    definitions.set(tool, named);
  }
  return {
    functions,
    offered: opened.flatMap(({ tool }) => definitions.get(tool)?.map(({ definition }) => definition) ?? [tool]),
    matchesChoice,
    findFunctions: (matches) =>
      [...definitions].flatMap(([tool, named]) =>
        named.filter(({ fn }) => matches(tool, fn)).map(({ definition }) => definition),
      ),
    notes: [...new Set(opened.flatMap(({ open }) => open?.note ?? []))],
    approved: opened.flatMap(({ open }) =>
      (open?.approved ?? []).map(({ fn, ...call }) => ({ ...call, callId: newCallId(), name: names.get(fn)! })),
    ),
    [Symbol.asyncDispose]: close,
  };
}

function matchesChoice(choice: ToolChoiceEntry, tool: Tool): boolean {
  for (const definition of TOOLS) {
    const isMatch = definition.matchesChoice?.(choice, tool);
    if (isMatch !== undefined) return isMatch;
  }
  return choice["type"] === tool.type;
}

function chooseName(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
  taken.add(free);
  return free;
}
