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
const BY_TYPE: Readonly<Record<string, string>> = {
  code_interpreter: "python",
  image_generation: "generate_image",
  web_search: "web_search",
  web_search_preview: "web_search",
};
/** A message may be of megabytes. */
const READ_CHARACTERS = 10_000;

export function callableTools(tools: readonly Tool[]): Callable[] {
  return tools.flatMap((tool): Callable[] => {
    if (tool.type === "function") return [asCallable(tool)];
    if (tool.type !== "namespace") return [];
    return tool.tools.flatMap((each) => (each.type === "function" ? [asCallable(each, tool.name)] : []));
  });
}

function asCallable({ name, parameters }: Pick<FunctionTool, "name"> & { parameters?: unknown }, namespace?: string) {
  const own = typeof parameters === "object" && parameters !== null ? parameters : {};
  return { name, parameters: { ...own }, ...(namespace !== undefined && { namespace }) };
}

/** The one that is called so, or failing that the one that is meant. Undefined if none is. */
export function callableNamed(name: string, callables: readonly Callable[], namespace?: string): Callable | undefined {
  const own = namespace === undefined ? callables : callables.filter((each) => each.namespace === namespace);
  return (
    own.find((each) => each.name === name && each.namespace === undefined) ??
    own.find((each) => isWhole(name, each)) ??
    own.find((each) => each.name === name) ??
    ofType(name, own) ??
    // A tool of an MCP server, by the server's own name for it.
    own.find((each) => each.name.endsWith(`__${name}`))
  );
}

/** Those that the message asks for by name; the last words of a long one are what it asks. */
export function callablesAskedFor(message: string | undefined, callables: readonly Callable[]): Callable[] {
  const words = new Set(message?.slice(-READ_CHARACTERS).match(/[\w.-]*\w/g));
  const isAsked = (each: Callable): boolean => words.has(each.name) || [...words].some((word) => isWhole(word, each));
  const types = Object.keys(BY_TYPE).filter((type) => words.has(type));
  const meant = new Set(types.map((type) => ofType(type, callables)));
  return callables.filter((each) => meant.has(each) || isAsked(each));
}

function isWhole(name: string, each: Callable): boolean {
  return (
    each.namespace !== undefined &&
    (name === `${each.namespace}__${each.name}` || name === `${each.namespace}.${each.name}`)
  );
}

/** The client's functions come first with their names: the server's is the one with the number. */
function ofType(type: string, callables: readonly Callable[]): Callable | undefined {
  const name = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type] : undefined;
  if (name === undefined) return undefined;
  const isNumbered = (each: Callable): boolean =>
    each.name.startsWith(`${name}_`) && /^\d+$/.test(each.name.slice(name.length + 1));
  return callables.findLast(isNumbered) ?? callables.find((each) => each.name === name);
}
