/** Which tools this server runs itself. A new one is a file in `tools/` and a line in `KINDS`. */
import type { Config } from "../../src/config/config.ts";
import { newId } from "../../src/protocol/id.ts";
import type { FunctionTool, Tool } from "../../src/protocol/tool.ts";
import type { OpenTool, ServerFunction, ToolCall, ToolKind, ToolSession } from "./tool.ts";
import { openCodeInterpreterKind } from "./code-interpreter/code-interpreter.ts";
import { openImageGenerationKind } from "./image-generation/image-generation.ts";
import { openMcpKind } from "./mcp/mcp.ts";
import { openWebSearchKind } from "./web-search/web-search.ts";

type ToolKindFactory = (config: Config) => ToolKind;

const KINDS: readonly ToolKindFactory[] = [
  openCodeInterpreterKind,
  openImageGenerationKind,
  openMcpKind,
  (config) => openWebSearchKind(config),
];

/** The tools of one response, opened. */
export interface OpenTools extends AsyncDisposable {
  /** By the name under which the model knows them. */
  readonly functions: ReadonlyMap<string, ServerFunction>;
  /** What the model is offered: the client's own functions and the server's, each tool's in the tool's place. */
  readonly offered: readonly Tool[];
  /** The functions that the matching tools of the request became. */
  findFunctions: (matches: (tool: Tool, fn: ServerFunction) => boolean) => readonly FunctionTool[];
  /** Calls that the client's input has approved, still to be made. */
  readonly approved: readonly ToolCall[];
  /** What the model is told of tools that it is not offered, each once. */
  readonly notes: readonly string[];
}

export class ServerTools implements AsyncDisposable {
  readonly #kinds: ReadonlyMap<Tool["type"], ToolKind>;

  constructor(config: Config, kinds = KINDS.map((open) => open(config))) {
    this.#kinds = new Map(kinds.flatMap((kind) => kind.types.map((type) => [type, kind] as const)));
  }

  /** Opens those of the request's tools that the model's provider does not run itself. One after the other: each may show items. */
  async open(session: ToolSession, isHosted: (tool: Tool) => boolean): Promise<OpenTools> {
    const { tools } = session.request;
    const opened: { tool: Tool; open: OpenTool | undefined }[] = [];
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

/** Names of the client's functions, also those that came with the conversation, and as a provider may spell them. */
function clientNames({ request, context }: ToolSession): Set<string> {
  const added = context.flatMap((item) => (item.type === "additional_tools" ? (item.tools as Tool[]) : []));
  return new Set([...(request.tools ?? []), ...added].flatMap(functionNames));
}

function functionNames(tool: Tool): string[] {
  if (!("name" in tool)) return [];
  const inner = tool.type === "namespace" ? tool.tools.flatMap(({ name }) => [name, `${tool.name}__${name}`]) : [];
  return [tool.name, ...inner];
}

/** A client's function keeps its name; of the server's, one whose name is taken gets a number behind it. */
function nameFunctions(
  opened: readonly { tool: Tool; open: OpenTool | undefined }[],
  taken: Set<string>,
  close: () => Promise<void>,
): OpenTools {
  const functions = new Map<string, ServerFunction>();
  const names = new Map<ServerFunction, string>();
  const became = new Map<Tool, { fn: ServerFunction; definition: FunctionTool }[]>();
  for (const { tool, open } of opened) {
    if (open === undefined) continue;
    const named = open.functions.map((fn) => {
      const name = chooseName(fn.definition.name, taken);
      functions.set(name, fn);
      names.set(fn, name);
      return { fn, definition: { ...fn.definition, name } };
    });
    became.set(tool, named);
  }
  return {
    functions,
    offered: opened.flatMap(({ tool }) => became.get(tool)?.map(({ definition }) => definition) ?? [tool]),
    findFunctions: (matches) =>
      [...became].flatMap(([tool, named]) =>
        named.filter(({ fn }) => matches(tool, fn)).map(({ definition }) => definition),
      ),
    notes: [...new Set(opened.flatMap(({ open }) => open?.note ?? []))],
    approved: opened.flatMap(({ open }) =>
      (open?.approved ?? []).map(({ fn, ...call }) => ({ ...call, callId: newCallId(), name: names.get(fn)! })),
    ),
    [Symbol.asyncDispose]: close,
  };
}

function chooseName(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
  taken.add(free);
  return free;
}

const CALL_ID_DIGITS = 24;

/** Ours, not the provider's: some of them repeat theirs. */
export function newCallId(): string {
  return newId("call", CALL_ID_DIGITS);
}
