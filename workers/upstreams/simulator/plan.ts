/**
 * Plans the items of an answer: reasoning if requested, then function calls or one message. The plan depends only on the
 * request, the history and the seed, not on completed items. After a crash the next attempt makes the same plan and skips
 * the completed items.
 */
import { createHash } from "node:crypto";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { UpstreamCall } from "../upstream.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import { type Callable, findCallable, findRequestedCallables, listCallables } from "./callable-tools.ts";
import { FillBudget } from "./schema-filler/fill-budget.ts";
import { fillSchema } from "./schema-filler/fill-schema.ts";
import { UnfillableSchemaError } from "./schema-filler/unfillable-schema-error.ts";
import { SeededRandom } from "./schema-filler/seeded-random.ts";
import type { SimulatorSettings } from "./settings.ts";
import * as text from "./text.ts";
import { asksForSummary, extractItemText, findLastUserMessage, findTrailingOutputs } from "./transcript.ts";

export type PlannedItem =
  /** Hidden reasoning is an empty item whose tokens count. */
  | { type: "reasoning"; shown: "summary" | "text" | "hidden"; deltas: readonly string[] }
  | { type: "function_call"; name: string; namespace?: string; deltas: readonly string[] }
  | { type: "message"; part: "output_text" | "refusal"; deltas: readonly string[] };

const DEFAULT_REASONING_DELTAS = 12;

export function planItems(call: UpstreamCall, settings: SimulatorSettings): PlannedItem[] {
  const seed = conversationSeed(call, settings);
  // Each item has its own random numbers, so that its needs do not change other items.
  const randomFor = (purpose: string) => new SeededRandom(`${seed} ${purpose}`);
  const step = findNextStep(call, settings);
  const tools = step === undefined ? chooseTools(call, settings, randomFor("tools")) : [];
  // One budget for all calls: there may be many, each with a schema of the same request.
  const budget = new FillBudget();
  const calls = step ?? tools.map((tool, index) => planFunctionCall(tool, randomFor(`call ${index}`), budget));
  const answer = calls.length > 0 ? calls : [planMessage(call, settings, randomFor("message"))];
  return [...planReasoning(call, settings, randomFor("reasoning")), ...answer];
}

/** Number of planned items that are completed. An item that was cut off does not count: it is generated again. */
export function countCompletedItems(plan: readonly PlannedItem[], completedItems: readonly OutputItem[]): number {
  let done = 0;
  for (const item of completedItems) {
    const isWhole = item.status == null || item.status === "completed";
    if (isWhole && item.type === plan[done]?.type) done++;
  }
  return done;
}

function conversationSeed(call: UpstreamCall, settings: SimulatorSettings): string {
  const hash = createHash("sha256").update(`${settings.seed}`);
  for (const item of call.history) hash.update(`\n${item.type} ${extractItemText(item)}`);
  return hash.digest("hex");
}

function planReasoning(call: UpstreamCall, settings: SimulatorSettings, random: SeededRandom): PlannedItem[] {
  const { effort, summary } = call.request.reasoning ?? {};
  const usual = effort == null || effort === "none" ? 0 : DEFAULT_REASONING_DELTAS;
  const count = settings.reasoning ?? usual;
  if (count === 0) return [];
  const shape = { deltas: count, deltaBytes: settings.delta_bytes };
  // Hosted models hide their reasoning, which is the default. `simulator.reasoning` shows it, like local models.
  const shown = summary != null ? "summary" : settings.reasoning === undefined ? "hidden" : "text";
  return [{ type: "reasoning", shown, deltas: text.createProseDeltas(text.createReasoningOpening(), shape, random) }];
}

/** The calls of the first unanswered step; undefined if all steps are answered. */
function findNextStep({ history, request }: UpstreamCall, { steps }: SimulatorSettings): PlannedItem[] | undefined {
  const lastMessage = history.findLastIndex((item) => item.type === "message" && item.role === "user");
  let answered = history.slice(lastMessage + 1).filter((item) => item.type === "function_call_output").length;
  const step = steps.find((calls) => {
    answered -= calls.length;
    return answered < 0;
  });
  if (step === undefined || request.tool_choice === "none") return undefined;
  const callables = listCallables(request.tools ?? []);
  return step.map(({ call, namespace, arguments: values }) => ({
    type: "function_call",
    ...pickName(
      findCallable(call, callables, namespace) ?? { name: call, ...(namespace !== undefined && { namespace }) },
    ),
    deltas: text.splitJson(JSON.stringify(values)),
  }));
}

function pickName({ name, namespace }: Pick<Callable, "name" | "namespace">) {
  return { name, ...(namespace !== undefined && { namespace }) };
}

/** Empty if the answer is a message. It always is after tool outputs, or `required` would never end. */
function chooseTools(call: UpstreamCall, settings: SimulatorSettings, random: SeededRandom): Callable[] {
  const { tools, isForced } = permittedTools(call);
  if (tools.length === 0 || settings.refusal || findTrailingOutputs(call.history).length > 0) return [];
  const requested = isForced ? Math.max(1, settings.calls) : settings.calls;
  const count = call.request.parallel_tool_calls === false ? Math.min(1, requested) : requested;
  const asked = findRequestedCallables(findLastUserMessage(call.history), tools);
  return Array.from({ length: count }, () => random.pick(asked.length > 0 ? asked : tools));
}

/** Functions only: the simulator has no hosted tools. */
function permittedTools({ request }: UpstreamCall): { tools: readonly Callable[]; isForced: boolean } {
  const tools = listCallables(request.tools ?? []);
  const choice = request.tool_choice ?? "auto";
  if (choice === "none") return { tools: [], isForced: false };
  if (choice === "auto" || choice === "required") return { tools, isForced: choice === "required" };
  const names = choice.type === "allowed_tools" ? choice.tools.map((tool) => tool["name"]) : [functionName(choice)];
  const isForced = choice.type !== "allowed_tools" || choice.mode === "required";
  const named = tools.filter(
    ({ name, namespace }) =>
      names.includes(name) ||
      (namespace !== undefined && [namespace, `${namespace}__${name}`].some((each) => names.includes(each))),
  );
  if (isForced && named.length === 0) {
    throw new InvalidPromptError("'tool_choice' asks for a function that is not among the tools.");
  }
  return { tools: named, isForced };
}

/** Undefined for tools other than functions. */
function functionName(choice: { type: string; name?: unknown }): unknown {
  return choice.type === "function" ? choice.name : undefined;
}

function planFunctionCall(tool: Callable, random: SeededRandom, budget: FillBudget): PlannedItem {
  const schema = { type: "object", ...tool.parameters };
  const json = fillJson(schema, `the parameters of the function '${tool.name}'`, random, budget);
  return { type: "function_call", ...pickName(tool), deltas: text.splitJson(json) };
}

function planMessage(call: UpstreamCall, settings: SimulatorSettings, random: SeededRandom): PlannedItem {
  const part = settings.refusal && !asksForSummary(call.history) ? "refusal" : "output_text";
  return { type: "message", part, deltas: planMessageDeltas(call, settings, random) };
}

function planMessageDeltas(call: UpstreamCall, settings: SimulatorSettings, random: SeededRandom): string[] {
  if (asksForSummary(call.history))
    return text.splitWords(text.summarizeTexts(call.history.slice(0, -1).map(extractItemText)));
  if (settings.text !== undefined) return text.splitWords(settings.text);
  const shape = { deltas: settings.tokens, deltaBytes: settings.delta_bytes };
  if (settings.refusal) return text.createProseDeltas(text.createRefusalOpening(), shape, random);
  const format = call.request.text?.format;
  if (format?.type === "json_schema") return text.splitJson(fillJson(format.schema, "'text.format.schema'", random));
  if (format?.type === "json_object") return text.splitJson(JSON.stringify({ message: text.SELF_DESCRIPTION }));
  const opening = text.createAnswerOpening(findLastUserMessage(call.history), findTrailingOutputs(call.history));
  return text.createProseDeltas(opening, shape, random);
}

function fillJson(schema: unknown, where: string, random: SeededRandom, budget?: FillBudget): string {
  try {
    return JSON.stringify(fillSchema(schema, random, budget));
  } catch (error) {
    if (!(error instanceof UnfillableSchemaError)) throw error;
    throw new InvalidPromptError(`The simulator cannot fill ${where}: ${error.message}`, { cause: error });
  }
}
