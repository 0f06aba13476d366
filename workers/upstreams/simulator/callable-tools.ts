/**
 * The functions that a request offers, including those in namespaces, and the lookup by name. Clients may name a tool that
 * this server runs by its type, and a namespaced function with or without its namespace.
 */
import type { FunctionTool, Tool } from "../../../src/protocol/tool.ts";

export interface Callable {
  name: string;
  namespace?: string;
  parameters: Record<string, unknown>;
}

/** Function names of the server's tools. A name that is taken gets a number appended (workers/tools/registry.ts). */
const FUNCTION_BY_TYPE: Readonly<Record<string, string>> = {
  code_interpreter: "python",
  image_generation: "generate_image",
  web_search: "web_search",
  web_search_preview: "web_search",
};
/** A message may be megabytes long. */
const MAX_READ_CHARACTERS = 10_000;

export function listCallables(tools: readonly Tool[]): Callable[] {
  return tools.flatMap((tool): Callable[] => {
    if (tool.type === "function") return [toCallable(tool)];
    if (tool.type !== "namespace") return [];
    return tool.tools.flatMap((each) => (each.type === "function" ? [toCallable(each, tool.name)] : []));
  });
}

function toCallable({ name, parameters }: Pick<FunctionTool, "name"> & { parameters?: unknown }, namespace?: string) {
  const properties = typeof parameters === "object" && parameters !== null ? parameters : {};
  return { name, parameters: { ...properties }, ...(namespace !== undefined && { namespace }) };
}

/** The function with this exact name, or the best match. Undefined if there is none. */
export function findCallable(name: string, callables: readonly Callable[], namespace?: string): Callable | undefined {
  const candidates = namespace === undefined ? callables : callables.filter((each) => each.namespace === namespace);
  return (
    candidates.find((each) => each.name === name && each.namespace === undefined) ??
    candidates.find((each) => isQualifiedName(name, each)) ??
    candidates.find((each) => each.name === name) ??
    findByType(name, candidates) ??
    // A tool of an MCP server, by the server's own name for it.
    candidates.find((each) => each.name.endsWith(`__${name}`))
  );
}

/** The functions that the message names. Only the end of a long message is searched. */
export function findRequestedCallables(message: string | undefined, callables: readonly Callable[]): Callable[] {
  const words = new Set(message?.slice(-MAX_READ_CHARACTERS).match(/[\w.-]*\w/g));
  const isAsked = (each: Callable): boolean =>
    words.has(each.name) || [...words].some((word) => isQualifiedName(word, each));
  const types = Object.keys(FUNCTION_BY_TYPE).filter((type) => words.has(type));
  const byType = new Set(types.map((type) => findByType(type, callables)));
  return callables.filter((each) => byType.has(each) || isAsked(each));
}

function isQualifiedName(name: string, each: Callable): boolean {
  return (
    each.namespace !== undefined &&
    (name === `${each.namespace}__${each.name}` || name === `${each.namespace}.${each.name}`)
  );
}

/** The client's functions keep their names, so if there is a numbered function it is the server's tool. */
function findByType(type: string, callables: readonly Callable[]): Callable | undefined {
  const name = Object.hasOwn(FUNCTION_BY_TYPE, type) ? FUNCTION_BY_TYPE[type] : undefined;
  if (name === undefined) return undefined;
  const isNumbered = (each: Callable): boolean =>
    each.name.startsWith(`${name}_`) && /^\d+$/.test(each.name.slice(name.length + 1));
  return callables.findLast(isNumbered) ?? callables.find((each) => each.name === name);
}
