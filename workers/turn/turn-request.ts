/** Builds the request for one model call: the server's tools become functions, and the remaining budget sets limits. */
import type { Tool } from "../../src/protocol/tool.ts";
import type { OpenTools, ServerFunction, ToolChoiceEntry } from "../tools/tool.ts";
import type { UpstreamCall } from "../upstreams/upstream.ts";
import { ANSWER_NOW } from "./rejected-calls.ts";

type Request = UpstreamCall["request"];
type ToolChoice = NonNullable<Request["tool_choice"]>;

export interface TurnBudget {
  isFirst: boolean;
  /** Tool calls that the response may still make. */
  callsLeft: number;
  /** Undefined without a limit. */
  outputTokensLeft: number | undefined;
}

/** Which of the server's functions this turn may call. The run checks it too, because a provider may ignore `tool_choice`. */
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
  const choice = request.tool_choice == null ? undefined : dropMissingTools(request.tool_choice, request.tools, tools);
  const { offered, functions } = tools;
  if (functions.size === 0)
    return { ...limited, tools: [...offered], ...(choice !== undefined && { tool_choice: choice }) };
  const turnChoice = chooseTool(choice ?? "auto", tools, budget);
  if (callsLeft > 0) return { ...limited, tools: [...offered], tool_choice: turnChoice };
  // Some providers ignore `tool_choice`, so the instructions say it too.
  limited.instructions = withNotes(limited, [ANSWER_NOW]);
  const clientTools = offered.filter((tool) => tool.type !== "function" || !functions.has(tool.name));
  // Some providers reject a conversation with calls but without tools. The tools stay, and none may be called.
  if (clientTools.length === 0) return { ...limited, tools: [...offered], tool_choice: "none" };
  return { ...limited, tools: clientTools, tool_choice: withoutServerFunctions(turnChoice, functions) };
}

/** Every provider accepts instructions. They are the same in every turn, so that the provider's cache recognizes them. */
function withNotes({ instructions }: Request, notes: readonly string[]): string {
  return [instructions ?? "", ...notes].filter((text) => text !== "").join("\n\n");
}

/** Drops choices of tools that became no function, such as a server that does not answer. The model continues without them. */
function dropMissingTools(choice: ToolChoice, requested: readonly Tool[], tools: OpenTools): ToolChoice {
  const { offered, matchesChoice, findFunctions } = tools;
  if (offered.length === 0) return "none";
  if (typeof choice === "string") return choice;
  const isMissing = (entry: ToolChoiceEntry): boolean => {
    const isChosen = (tool: Tool) => matchesChoice(entry, tool);
    return requested.some(isChosen) && !offered.some(isChosen) && findFunctions(isChosen).length === 0;
  };
  if (choice.type !== "allowed_tools") return isMissing(choice) ? "auto" : choice;
  const remaining = choice.tools.filter((entry) => !isMissing(entry));
  if (remaining.length === choice.tools.length) return choice;
  return remaining.length === 0 ? "none" : { ...choice, tools: remaining };
}

/**
 * A choice that forces a call is for the first turn only: in every turn, it would keep the model from answering. A choice
 * that allows only some tools is for all turns: a tool's output must not lead the model to call others.
 */
function chooseTool(choice: ToolChoice, tools: OpenTools, { isFirst }: TurnBudget): ToolChoice {
  if (choice === "none") return "none";
  if (typeof choice === "object" && choice.type === "allowed_tools") {
    const allowed = choice.tools.flatMap((entry) => toFunctionChoices(entry, tools));
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

/** Turns a choice of a server's tool into choices of its functions. Any other choice stays as it is. */
function toFunctionChoices(entry: ToolChoiceEntry, tools: OpenTools): ToolChoiceEntry[] {
  const chosen = tools.findFunctions((tool, fn) => tools.matchesChoice(entry, tool) && matchesName(entry, fn));
  return chosen.length === 0 ? [entry] : chosen.map(({ name }) => ({ type: "function", name }));
}

/** A choice without a name means all functions of its tool. */
function matchesName(entry: ToolChoiceEntry, { toolName }: ServerFunction): boolean {
  return toolName === undefined || entry["name"] == null || entry["name"] === toolName;
}

/** The choice among the client's tools, once the response may make no more calls of the server's. */
function withoutServerFunctions(choice: ToolChoice, functions: OpenTools["functions"]): ToolChoice {
  if (typeof choice === "string") return choice === "none" ? "none" : "auto";
  if (choice.type !== "allowed_tools") return "auto";
  const remaining = choice.tools.filter(
    (entry) => entry["type"] !== "function" || !functions.has(String(entry["name"])),
  );
  return remaining.length === 0 ? "none" : { ...choice, mode: "auto", tools: remaining };
}
