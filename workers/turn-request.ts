/** The request as one turn's model is given it: the server's tools as functions, and what is left of the response's budgets. */
import type { Tool } from "../src/protocol/tool.ts";
import type { ServerFunction } from "./tool.ts";
import type { OpenTools } from "./tools.ts";
import type { UpstreamCall } from "./upstream.ts";

type Request = UpstreamCall["request"];
type ToolChoice = NonNullable<Request["tool_choice"]>;

export interface TurnBudget {
  isFirst: boolean;
  /** Calls of tools that the response may still make. */
  callsLeft: number;
  /** Undefined if there is no bound. */
  outputTokensLeft: number | undefined;
}

export function turnRequest(request: Request, tools: OpenTools, budget: TurnBudget): Request {
  const { outputTokensLeft } = budget;
  const limited = outputTokensLeft === undefined ? request : { ...request, max_output_tokens: outputTokensLeft };
  if (request.tools == null || request.tools.length === 0) return limited;
  // A tool that this server runs is no tool to the provider, even where nothing could be made of it.
  const choice = request.tool_choice == null ? undefined : withoutGone(request.tool_choice, request.tools, tools);
  const made = tools.functions.size === 0 ? choice : toolChoice(choice ?? "auto", tools, budget);
  return { ...limited, tools: [...tools.offered], ...(made !== undefined && { tool_choice: made }) };
}

/** A server that does not answer has no functions to choose: the model goes on without them. */
function withoutGone(choice: ToolChoice, asked: readonly Tool[], { offered, functionsOf }: OpenTools): ToolChoice {
  if (offered.length === 0) return "none";
  if (typeof choice === "string") return choice;
  const isGone = (each: Record<string, unknown>): boolean => {
    const isAsked = (tool: Tool) => isMeantTool(each, tool);
    return asked.some(isAsked) && !offered.some(isAsked) && functionsOf(isAsked).length === 0;
  };
  if (choice.type !== "allowed_tools") return isGone(choice) ? "auto" : choice;
  const left = choice.tools.filter((each) => !isGone(each));
  if (left.length === choice.tools.length) return choice;
  return left.length === 0 ? "none" : { ...choice, tools: left };
}

/**
 * What the client asked for holds for the first turn: a choice that forces a call would force one in every turn, and the
 * model would never come to its answer. Once no call is left, none of the server's functions may be chosen.
 */
function toolChoice(choice: ToolChoice, tools: OpenTools, { isFirst, callsLeft }: TurnBudget): ToolChoice | undefined {
  if (choice === "none") return "none";
  if (callsLeft <= 0) return clientsOnly(tools);
  if (!isFirst) return "auto";
  if (typeof choice === "string" || choice.type === "function" || choice.type === "custom") return choice;
  if (choice.type === "allowed_tools") {
    const allowed = choice.tools.flatMap((each) => asFunctions(each, tools));
    return { type: "allowed_tools", mode: choice.mode, tools: allowed };
  }
  const forced = asFunctions(choice, tools);
  const [only, ...others] = forced;
  if (only === undefined || only["type"] !== "function") return choice;
  if (others.length === 0) return { type: "function", name: String(only["name"]) };
  return { type: "allowed_tools", mode: "required", tools: forced };
}

/** A choice of one of the server's tools, as a choice of its functions. Any other stays as it is. */
function asFunctions(choice: Record<string, unknown>, tools: OpenTools): Record<string, unknown>[] {
  const meant = tools.functionsOf((tool, fn) => isMeant(choice, tool, fn));
  return meant.length === 0 ? [choice] : meant.map(({ name }) => ({ type: "function", name }));
}

/** Of an MCP server's tools all are, or the one that is named. */
function isMeant(choice: Record<string, unknown>, tool: Tool, fn: ServerFunction): boolean {
  if (!isMeantTool(choice, tool)) return false;
  return tool.type !== "mcp" || choice["name"] == null || choice["name"] === fn.toolName;
}

function isMeantTool(choice: Record<string, unknown>, tool: Tool): boolean {
  if (choice["type"] !== tool.type) return false;
  return tool.type !== "mcp" || choice["server_label"] === tool.server_label;
}

function clientsOnly({ offered, functions }: OpenTools): ToolChoice {
  const own = offered.filter((tool) => tool.type !== "function" || !functions.has(tool.name));
  const choices = own.map((tool) => ("name" in tool ? { type: tool.type, name: tool.name } : { type: tool.type }));
  return choices.length === 0 ? "none" : { type: "allowed_tools", mode: "auto", tools: choices };
}
