/** Describes the next turn: the request with its remaining budget, and the items that the model will see. */
import { understandsItem } from "../../../src/providers/hosted-tools.ts";
import { unsealReasoning } from "../../../src/responses/content/sealed-items.ts";
import { renderContext } from "../../turn/context/render-context.ts";
import { buildTurnRequest } from "../../turn/turn-request.ts";
import type { TurnInput } from "../../turn/turn-input.ts";
import { findExecutedCalls, type LoopContext } from "./loop-context.ts";
import type { TurnLimits } from "./run-budget.ts";

export async function prepareTurnInput(context: LoopContext, limits = turnLimits(context)): Promise<TurnInput> {
  const { dependencies, attempt, upstream, resolved, input, journal, tools } = context;
  const { storage, isStrict } = dependencies;
  const { project } = input;
  const { preamble, input: history } = context.seen;
  const responseItems = context.output.completedItems();
  const isHosted = (type: string) => understandsItem(resolved.provider, type);
  const executed = findExecutedCalls(context);
  const request = buildTurnRequest(input.request, tools, {
    // The model asked for none of the calls of a turn without usage: the client approved them.
    isFirst: journal.turns.every(({ usage }) => usage === null),
    callsLeft: limits.callsLeft,
    outputTokensLeft: limits.outputTokensLeft,
  });
  return {
    storage,
    project,
    attempt,
    turn: journal.nextTurnIndex + 1,
    upstream,
    resolved,
    request,
    preamble,
    history,
    responseItems: await unsealReasoning(storage, project, responseItems),
    render: (items) =>
      renderContext(items, {
        tools: dependencies.serverTools.items,
        executed,
        isHosted,
        conversation: [...history, ...responseItems],
        contextWindow: resolved.contextWindow,
      }),
    isStrict,
  };
}

export function turnLimits({ budget, retries, tools }: LoopContext): TurnLimits {
  return budget.turnLimits({ hasFunctions: tools.functions.size > 0, mustAnswer: retries.mustAnswer });
}
