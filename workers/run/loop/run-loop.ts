/**
 * The loop of a run: call the model, run the tools it asks for, call it again with their results. It finishes once the
 * model answers, a call needs the client, or a budget is spent. Each turn with calls is journaled, so an attempt that takes
 * over resumes after the last recorded step.
 */
import { runsTool } from "../../../src/providers/hosted-tools.ts";
import type { Attempt } from "../../attempt/attempt.ts";
import { RunJournal } from "../../attempt/run-journal.ts";
import { findResumableRun, type ResumableRun } from "../../remote/turn-remote-run.ts";
import { openToolSession } from "../../tools/tool-session.ts";
import { runCompaction } from "../../turn/context/compact-context.ts";
import type { UpstreamFinish } from "../../upstreams/upstream.ts";
import { callModel } from "./call-model.ts";
import { prepareTurnInput } from "./prepare-turn-input.ts";
import { collectExecutedCalls, readExecutedCalls } from "./read-executed-calls.ts";
import type { Generation, LoopContext, LoopDependencies } from "./loop-context.ts";
import { recoverRemoteRun } from "./recover-remote-run.ts";
import { requiresClientAction } from "./requires-client-action.ts";
import { findInterruptedCalls } from "./find-interrupted-calls.ts";
import { RunBudget } from "./run-budget.ts";
import { type PendingCalls, runTools } from "./run-tools.ts";
import { hasReachedSpendLimit } from "./spend-limit.ts";
import { addToolUsage } from "./tool-usage.ts";
import { TurnRetries, UNANSWERED_FINISH } from "./turn-retries.ts";

type Step =
  | { kind: "call-model"; remoteRun?: ResumableRun | undefined }
  | { kind: "run-tools"; calls: PendingCalls }
  | { kind: "finish"; finish: UpstreamFinish };

export async function runLoop(
  dependencies: LoopDependencies,
  attempt: Attempt,
  generation: Generation,
): Promise<UpstreamFinish> {
  const { storage, serverTools, maxToolCalls } = dependencies;
  const { input, output, resolved } = generation;
  const hasTools = (input.request.tools ?? []).length > 0;
  // The journal also records how far a remote run was read.
  const isRead = hasTools || dependencies.remoteRuns !== undefined;
  const journal = isRead ? await RunJournal.open(storage, attempt) : RunJournal.empty(storage, attempt);
  const earlierCalls = await readExecutedCalls(storage, input, serverTools.items);
  const session = openToolSession(dependencies, attempt, input, () => output.completedItems());
  await using tools = await serverTools.open(session, (tool) => runsTool(resolved.provider, tool.type));
  const loop = new RunLoop({
    ...generation,
    dependencies,
    attempt,
    journal,
    tools,
    earlierCalls,
    budget: new RunBudget(input.request, maxToolCalls, journal),
    retries: new TurnRetries(),
  });
  return await loop.run();
}

class RunLoop {
  readonly #context: LoopContext;

  constructor(context: LoopContext) {
    this.#context = context;
  }

  async run(): Promise<UpstreamFinish> {
    const { attempt, dependencies, input, journal, output } = this.#context;
    const isCompaction = input.purpose === "compact";
    const finish = isCompaction ? await runCompaction(await prepareTurnInput(this.#context)) : await this.#runSteps();
    const executed = collectExecutedCalls(attempt.id, journal);
    return {
      ...finish,
      report: addToolUsage(dependencies.serverTools.items, finish.report, output.completedItems(), executed),
    };
  }

  async #runSteps(): Promise<UpstreamFinish> {
    let step = await this.#firstStep();
    for (;;) {
      switch (step.kind) {
        case "call-model":
          step = await this.#callModel(step.remoteRun);
          break;
        case "run-tools":
          await runTools(this.#context, step.calls);
          step = this.#nextStep();
          break;
        case "finish":
          return step.finish;
      }
    }
  }

  async #firstStep(): Promise<Step> {
    const calls = await findInterruptedCalls(this.#context);
    return calls === undefined ? this.#nextStep() : { kind: "run-tools", calls };
  }

  /** The step after a turn and its tools: another turn, unless the client must act or no tokens are left. */
  #nextStep(): Step {
    const { budget, dependencies, journal, output } = this.#context;
    // A remote run has the rest of its turn, and knows what the turn cost.
    const remoteRun = findResumableRun(journal, dependencies.remoteRuns);
    const isOver = remoteRun === undefined && output.completedItems().some(requiresClientAction);
    if (isOver) return { kind: "finish", finish: budget.completedFinish() };
    if (!budget.hasTokensForTurn) return { kind: "finish", finish: budget.outOfTokensFinish() };
    return { kind: "call-model", remoteRun };
  }

  async #callModel(remoteRun: ResumableRun | undefined): Promise<Step> {
    // A turn that a provider runs already costs the same if it is read.
    if (remoteRun === undefined && (await hasReachedSpendLimit(this.#context))) {
      return { kind: "finish", finish: this.#context.budget.outOfTokensFinish() };
    }
    try {
      return await this.#runTurn(remoteRun);
    } catch (error) {
      const finish = await recoverRemoteRun(this.#context, error);
      return finish === undefined ? this.#nextStep() : { kind: "finish", finish };
    }
  }

  async #runTurn(remoteRun: ResumableRun | undefined): Promise<Step> {
    const { attempt, budget, journal, output, retries } = this.#context;
    const turn = await callModel(this.#context, remoteRun);
    if (turn.kind === "unserved") return { kind: "finish", finish: turn.finish };
    const { summary, segments, openCall } = turn;
    const { finish } = summary;
    const usage = finish.status === "postponed" ? undefined : finish.usage;
    if (retries.shouldRetry(summary)) {
      await output.closeInterrupted();
      budget.spend(usage);
      return this.#nextStep();
    }
    await turn.writeBlank();
    if (retries.isUnanswered(summary)) {
      return { kind: "finish", finish: budget.withUsage({ ...UNANSWERED_FINISH, usage }) };
    }
    if (finish.status !== "completed" || segments.length === 0) {
      return { kind: "finish", finish: budget.withUsage(finish) };
    }
    // The log has everything before the calls before the journal has the turn, and the journal has it before a call runs.
    await attempt.writer.flush();
    await journal.addTurn({ usage: finish.usage, segments: [...segments] });
    return { kind: "run-tools", calls: { loggedIds: new Set(), openCall } };
  }
}
