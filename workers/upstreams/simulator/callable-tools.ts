/**
 * The functions that a request offers, those in namespaces too, and which of them a name means. Clients name a tool as they
 * sent it: one that this server runs by its type, a function of a namespace with or without the namespace.
 */
import type { FunctionTool, Tool } from "../../../src/protocol/tool.ts";

export interface Callable {
  name: string;
  namespace?: string;
  parameters: Record<string, unknown>;
}

/** As each of the server's tools is offered; behind a name that is taken there is a number (workers/tools/registry.ts). */
const FUNCTION_BY_TYPE: Readonly<Record<string, string>> = {
  code_interpreter: "python",
  image_generation: "generate_image",
  web_search: "web_search",
  web_search_preview: "web_search",
};
/** A message may be of megabytes. */
const MAX_READ_CHARACTERS = 10_000;

export function listCallables(tools: readonly Tool[]): Callable[] {
  return tools.flatMap((tool): Callable[] => {
    if (tool.type === "function") return [toCallable(tool)];
    if (tool.type !== "namespace") return [];
    return tool.tools.flatMap((each) => (each.type === "function" ? [toCallable(each, tool.name)] : []));
  });
}

function toCallable({ name, parameters }: Pick<FunctionTool, "name"> & { parameters?: unknown }, namespace?: string) {
  const own = typeof parameters === "object" && parameters !== null ? parameters : {};
  return { name, parameters: { ...own }, ...(namespace !== undefined && { namespace }) };
}

/** The one that is called so, or failing that the one that is meant. Undefined if none is. */
export function findCallable(name: string, callables: readonly Callable[], namespace?: string): Callable | undefined {
  const own = namespace === undefined ? callables : callables.filter((each) => each.namespace === namespace);
  return (
    own.find((each) => each.name === name && each.namespace === undefined) ??
    own.find((each) => isQualifiedName(name, each)) ??
    own.find((each) => each.name === name) ??
    findByType(name, own) ??
    // A tool of an MCP server, by the server's own name for it.
    own.find((each) => each.name.endsWith(`__${name}`))
  );
}

/** Those that the message asks for by name; the last words of a long one are what it asks. */
export function findRequestedCallables(message: string | undefined, callables: readonly Callable[]): Callable[] {
  const words = new Set(message?.slice(-MAX_READ_CHARACTERS).match(/[\w.-]*\w/g));
  const isAsked = (each: Callable): boolean =>
    words.has(each.name) || [...words].some((word) => isQualifiedName(word, each));
  const types = Object.keys(FUNCTION_BY_TYPE).filter((type) => words.has(type));
  const meant = new Set(types.map((type) => findByType(type, callables)));
  return callables.filter((each) => meant.has(each) || isAsked(each));
}

function isQualifiedName(name: string, each: Callable): boolean {
  return (
    each.namespace !== undefined &&
    (name === `${each.namespace}__${each.name}` || name === `${each.namespace}.${each.name}`)
  );
}

/** The client's functions come first with their names: the server's is the one with the number. */
function findByType(type: string, callables: readonly Callable[]): Callable | undefined {
  const name = Object.hasOwn(FUNCTION_BY_TYPE, type) ? FUNCTION_BY_TYPE[type] : undefined;
  if (name === undefined) return undefined;
  const isNumbered = (each: Callable): boolean =>
    each.name.startsWith(`${name}_`) && /^\d+$/.test(each.name.slice(name.length + 1));
  return callables.findLast(isNumbered) ?? callables.find((each) => each.name === name);
}
