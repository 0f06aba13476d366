/** The request as one turn's model is given it: the server's tools as functions, and what is left of the response's budgets. */
import type { Tool } from "../../src/protocol/tool.ts";
import { ANSWER_NOW } from "./rejected-calls.ts";
import type { ServerFunction } from "../tools/tool.ts";
import { WEB_SEARCH_TYPES } from "../tools/web-search/search-settings.ts";
import type { OpenTools } from "../tools/registry.ts";
import type { UpstreamCall } from "../upstreams/upstream.ts";

type Request = UpstreamCall["request"];
type ToolChoice = NonNullable<Request["tool_choice"]>;

export interface TurnBudget {
  isFirst: boolean;
  /** Calls of tools that the response may still make. */
  callsLeft: number;
  /** Undefined if there is no bound. */
  outputTokensLeft: number | undefined;
}

/** Which of the server's functions this turn may call: a provider may not keep to the choice that it was given. */
export function createCallCheck({ tool_choice: choice }: Request): (name: string) => boolean {
  if (choice === "none") return () => false;
  if (choice == null || typeof choice === "string") return () => true;
  if (choice.type === "function") return (name) => name === choice.name;
  if (choice.type !== "allowed_tools") return () => true;
  const allowed = new Set(choice.tools.map((each) => (each["type"] === "function" ? each["name"] : undefined)));
  return (name) => allowed.has(name);
}

export function buildTurnRequest(request: Request, tools: OpenTools, budget: TurnBudget): Request {
  const { outputTokensLeft, callsLeft } = budget;
  const noted = tools.notes.length === 0 ? request : { ...request, instructions: withNotes(request, tools.notes) };
  const limited = { ...noted, ...(outputTokensLeft !== undefined && { max_output_tokens: outputTokensLeft }) };
  if (request.tools == null || request.tools.length === 0) return limited;
  // A tool that this server runs is no tool to the provider, even where nothing could be made of it.
  const choice = request.tool_choice == null ? undefined : dropMissingTools(request.tool_choice, request.tools, tools);
  const { offered, functions } = tools;
  if (functions.size === 0)
    return { ...limited, tools: [...offered], ...(choice !== undefined && { tool_choice: choice }) };
  const made = chooseTool(choice ?? "auto", tools, budget);
  if (callsLeft > 0) return { ...limited, tools: [...offered], tool_choice: made };
  // Not all providers keep to a choice: the model is told as well.
  limited.instructions = withNotes(limited, [ANSWER_NOW]);
  const own = offered.filter((tool) => tool.type !== "function" || !functions.has(tool.name));
  // Some providers refuse calls in a conversation without any tools: they stay, and none may be called.
  if (own.length === 0) return { ...limited, tools: [...offered], tool_choice: "none" };
  return { ...limited, tools: own, tool_choice: withoutServerFunctions(made, functions) };
}

/** Every provider takes instructions. They stay the same in every turn, so that its cache knows them again. */
function withNotes({ instructions }: Request, notes: readonly string[]): string {
  return [instructions ?? "", ...notes].filter((text) => text !== "").join("\n\n");
}

/** A server that does not answer has no functions to choose: the model goes on without them. */
function dropMissingTools(
  choice: ToolChoice,
  asked: readonly Tool[],
  { offered, findFunctions }: OpenTools,
): ToolChoice {
  if (offered.length === 0) return "none";
  if (typeof choice === "string") return choice;
  const isGone = (each: Record<string, unknown>): boolean => {
    const isAsked = (tool: Tool) => matchesTool(each, tool);
    return asked.some(isAsked) && !offered.some(isAsked) && findFunctions(isAsked).length === 0;
  };
  if (choice.type !== "allowed_tools") return isGone(choice) ? "auto" : choice;
  const left = choice.tools.filter((each) => !isGone(each));
  if (left.length === choice.tools.length) return choice;
  return left.length === 0 ? "none" : { ...choice, tools: left };
}

/**
 * What forces a call is for the first turn: it would force one in every turn, and the model would never come to its answer.
 * What allows only some tools is for all of them: what a tool has said must not let the model call others.
 */
function chooseTool(choice: ToolChoice, tools: OpenTools, { isFirst }: TurnBudget): ToolChoice {
  if (choice === "none") return "none";
  if (typeof choice === "object" && choice.type === "allowed_tools") {
    const allowed = choice.tools.flatMap((each) => toFunctionChoices(each, tools));
    return { type: "allowed_tools", mode: isFirst ? choice.mode : "auto", tools: allowed };
  }
  if (!isFirst) return "auto";
  if (typeof choice === "string" || choice.type === "function" || choice.type === "custom") return choice;
  const forced = toFunctionChoices(choice, tools);
  const [only, ...others] = forced;
  if (only === undefined || only["type"] !== "function") return choice;
  if (others.length === 0) return { type: "function", name: String(only["name"]) };
  return { type: "allowed_tools", mode: "required", tools: forced };
}

/** A choice of one of the server's tools, as a choice of its functions. Any other stays as it is. */
function toFunctionChoices(choice: Record<string, unknown>, tools: OpenTools): Record<string, unknown>[] {
  const meant = tools.findFunctions((tool, fn) => matchesFunction(choice, tool, fn));
  return meant.length === 0 ? [choice] : meant.map(({ name }) => ({ type: "function", name }));
}

/** Of an MCP server's tools all are, or the one that is named. */
function matchesFunction(choice: Record<string, unknown>, tool: Tool, fn: ServerFunction): boolean {
  if (!matchesTool(choice, tool)) return false;
  return tool.type !== "mcp" || choice["name"] == null || choice["name"] === fn.toolName;
}

function matchesTool(choice: Record<string, unknown>, tool: Tool): boolean {
  if (tool.type === "mcp") return choice["type"] === "mcp" && choice["server_label"] === tool.server_label;
  // Web search goes by several names, of which the published type of a choice has only its preview's.
  if (isWebSearch(tool.type)) return isWebSearch(choice["type"]);
  return choice["type"] === tool.type;
}

const isWebSearch = (type: unknown): boolean => WEB_SEARCH_TYPES.some((each) => each === type);

/** Once no call is left, the choice among what is the client's. */
function withoutServerFunctions(choice: ToolChoice, functions: OpenTools["functions"]): ToolChoice {
  if (typeof choice === "string") return choice === "none" ? "none" : "auto";
  if (choice.type !== "allowed_tools") return "auto";
  const left = choice.tools.filter((each) => each["type"] !== "function" || !functions.has(String(each["name"])));
  return left.length === 0 ? "none" : { ...choice, mode: "auto", tools: left };
}
