/**
 * The turns of a response: the model is called, the calls of the server's tools that it asks for are made, and it is called
 * again with their results, until it answers, a call is the client's to make or to approve, or a budget is spent. Each
 * turn with calls is in the journal, so a run that takes over goes on behind the last step that was recorded.
 */
import type { Logger } from "pino";
import type { OutputItem } from "../../src/protocol/item.ts";
import { toIncluded, toRecordedEvent } from "../../src/lifecycle/include.ts";
import { unsealReasoning, sealReasoning } from "../../src/responses/content/sealed-items.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { deriveBoundary } from "../turn/context/boundary.ts";
import { addSearchUsage } from "./tool-usage.ts";
import { EventRecorder } from "../turn/event-recorder.ts";
import { runsTool, understandsItem } from "../../src/providers/hosted-tools.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { addCitations } from "../turn/citations/citations.ts";
import { collectCitablePages } from "../tools/citable-pages.ts";
import type { MadeCall } from "../tools/made-call.ts";
import { renderContext } from "../turn/context/render-context.ts";
import { rebuildLostTurn } from "./rebuild-turn.ts";
import { collectExecutedCalls, readExecutedCalls } from "./executed-calls.ts";
import type { Run } from "../attempt/run.ts";
import type { RemoteRunTracker } from "../remote/remote-run-tracker.ts";
import { toolNames, createOfferedCheck, renderRejectedCalls } from "../turn/rejected-calls.ts";
import { RunBudget } from "./run-budget.ts";
import { RunJournal } from "../attempt/run-journal.ts";
import { runTurn } from "../turn/run-turn.ts";
import { TurnPipeline } from "../turn/turn-pipeline.ts";
import { readUnfinishedItem } from "../attempt/unfinished-item.ts";
import { CallBuffer } from "../turn/call-buffer.ts";
import { runCompaction } from "../turn/context/compact-context.ts";
import { prepareContext } from "../turn/context/prepare-context.ts";
import type { Turn } from "../turn/turn.ts";
import { TurnRetries, UNANSWERED_FINISH } from "./turn-retries.ts";
import { finishTurn } from "./finish-turn.ts";
import type { OpenTools, ServerTools } from "../tools/registry.ts";
import { openToolSession } from "../tools/tool-session.ts";
import { createApprovedSegments, splitAtLastTurn } from "./journaled-turns.ts";
import { createCallCheck, buildTurnRequest } from "../turn/turn-request.ts";
import { findServerFunction, OutputRouter } from "../turn/output-router.ts";
import { findResumableRun, type ResumableRun, markRemoteRunLost, TurnRemoteRun } from "../remote/turn-remote-run.ts";
import {
  RemoteRunInterruptedError,
  failedFinish,
  type Upstream,
  type UpstreamCall,
  type UpstreamFinish,
} from "../upstreams/upstream.ts";
import { requiresClientAction } from "./requires-client-action.ts";

/** How often a turn is asked for anew because its provider has lost what it ran for it. */
const MAX_LOST_REMOTE_RUNS = 3;

export interface LoopDependencies {
  storage: Storage;
  logger: Logger;
  serverTools: ServerTools;
  /** Whether upstreams are held to the contract's orders of events. */
  isStrict: boolean;
  /** Whether calls that the client makes are recorded as the model writes them, rather than whole. */
  streamsCalls: boolean;
  /** In one response, whatever its request says. */
  maxToolCalls: number;
  /** If any provider runs responses in its own background. */
  remoteRuns?: RemoteRunTracker | undefined;
}

/** What a run generates with. */
export interface Generation {
  upstream: Upstream;
  resolved: ResolvedModel;
  conversation: ModelInput;
  /** Completed items of the response, as the log stands now. */
  responseItems: () => readonly OutputItem[];
  /** Closes what is open in the log as incomplete, but for a text that another call can continue. */
  closeInterrupted: () => Promise<void>;
  /** Closes the item at this place as incomplete. The final output leaves it out. */
  discardItem: (place: number) => Promise<void>;
}

export async function runLoop(
  dependencies: LoopDependencies,
  run: Run,
  generation: Generation,
): Promise<UpstreamFinish> {
  const { storage } = dependencies;
  const hasTools = (generation.conversation.request.tools ?? []).length > 0;
  const { provider } = generation.resolved;
  // What else is in a journal is where a provider's own run stands.
  const isRead = hasTools || dependencies.remoteRuns !== undefined;
  const journal = isRead ? await RunJournal.open(storage, run) : RunJournal.empty(storage, run);
  const earlier = await readExecutedCalls(storage, generation.conversation);
  const session = openToolSession(dependencies, run, generation.conversation, generation.responseItems);
  await using tools = await dependencies.serverTools.open(session, (tool) => runsTool(provider, tool.type));
  return await new RunLoop(dependencies, run, generation, { journal, tools, earlier }).run();
}

class RunLoop {
  readonly #dependencies: LoopDependencies;
  readonly #run: Run;
  readonly #generation: Generation;
  readonly #journal: RunJournal;
  readonly #tools: OpenTools;
  readonly #earlierCalls: ReadonlyMap<string, MadeCall>;
  readonly #budget: RunBudget;
  readonly #retries = new TurnRetries();

  constructor(
    dependencies: LoopDependencies,
    run: Run,
    generation: Generation,
    state: { journal: RunJournal; tools: OpenTools; earlier: ReadonlyMap<string, MadeCall> },
  ) {
    this.#dependencies = dependencies;
    this.#run = run;
    this.#generation = generation;
    this.#journal = state.journal;
    this.#tools = state.tools;
    this.#earlierCalls = state.earlier;
    this.#budget = new RunBudget(generation.conversation.request, dependencies.maxToolCalls, state.journal);
  }

  async run(): Promise<UpstreamFinish> {
    const finish = await this.#runTurns();
    const made = collectExecutedCalls(this.#run.id, this.#journal);
    return { ...finish, report: addSearchUsage(finish.report, this.#generation.responseItems(), made) };
  }

  async #runTurns(): Promise<UpstreamFinish> {
    if (this.#generation.conversation.purpose === "compact") return await runCompaction(await this.#describeTurn());
    await this.#resumeInterruptedTurn();
    for (;;) {
      // What its provider still runs has more of the turn, and knows what it cost.
      const resumable = findResumableRun(this.#journal, this.#dependencies.remoteRuns);
      const isWaiting = resumable === undefined && this.#generation.responseItems().some(requiresClientAction);
      if (isWaiting) return this.#budget.completedFinish();
      if (!this.#budget.hasTokensForTurn) return this.#budget.outOfTokensFinish();
      const finish = await this.#runTurn(resumable).catch((error: unknown) => this.#recoverInterruptedRun(error));
      if (finish !== undefined) return finish;
    }
  }

  /** What an attempt that was cut off left of its last turn; or, in the beginning, the calls that the client approved. */
  async #resumeInterruptedTurn(): Promise<void> {
    const produced = this.#generation.responseItems();
    const { provider } = this.#generation.resolved;
    const lost = rebuildLostTurn(splitAtLastTurn(produced, this.#journal.turns).produced, (type) =>
      understandsItem(provider, type),
    );
    if (lost !== undefined) await this.#journal.addRebuiltTurn(lost);
    if (this.#journal.turns.length === 0) {
      const segments = createApprovedSegments(this.#tools, this.#budget.callsLeft);
      if (segments.length === 0) return;
      await this.#journal.addTurn({ usage: null, segments });
    }
    await this.#finishTurn(new Set(produced.map((item) => item.id)), undefined);
  }

  /** One call of the model and the calls that it asks for. Undefined if it is to be called again. */
  async #runTurn(resumable: ResumableRun | undefined): Promise<UpstreamFinish | undefined> {
    const turn = await this.#describeTurn();
    const { storage, project, resolved, request, isStrict } = turn;
    // Nobody is shown the context of a call that was made already.
    const context = resumable === undefined ? await prepareContext(turn) : turn;
    if ("type" in context) return context;
    const { before, produced } = splitAtLastTurn(context.responseItems, this.#journal.turns);
    const { output } = this.#run.writer.state.response;
    const usedIds = new Set(output.map((item) => item.id));
    const unfinished = await readUnfinishedItem(storage, this.#run);
    const call: UpstreamCall = {
      responseId: this.#run.id,
      model: resolved.model,
      request,
      history: [...turn.preamble, ...context.history, ...turn.render(before)],
      completedItems: [
        ...produced.filter((item) => understandsItem(resolved.provider, item.type)),
        ...renderRejectedCalls(this.#retries.rejected, toolNames(this.#tools.offered)),
      ],
      unfinishedItem: unfinished?.item,
      firstOutputIndex: unfinished?.index ?? output.length,
      boundary: deriveBoundary(storage, project, context.history),
    };
    const router = new OutputRouter({
      functions: this.#tools.functions,
      callsLeft: this.#callsLeft,
      mayCall: createCallCheck(request),
      isOffered: createOfferedCheck(this.#tools.offered, turn.history),
      nextIndex: () => this.#run.writer.state.response.output.length,
      usedIds,
    });
    call.remoteRun = this.#openRemoteRun(resumable, usedIds, router);
    const recorder = new EventRecorder(request, (thoughts) => sealReasoning(storage.sealer, project, thoughts));
    const citing = addCitations(
      resumable?.upstream ?? turn.upstream,
      // A provider that understands the items of a tool cites what it found by itself.
      collectCitablePages(
        this.#executedCalls(),
        this.#generation.conversation.input.filter(({ type }) => !understandsItem(resolved.provider, type)),
      ),
    );
    const pipeline = new TurnPipeline(this.#run, {
      recorder,
      callBuffer: new CallBuffer({
        streamsCalls: this.#dependencies.streamsCalls,
        isServerCall: (item) => findServerFunction(item, this.#tools.functions) !== undefined,
      }),
      router,
      unfinished,
      discardUnfinished: () => this.#generation.discardItem(unfinished!.index),
    });
    const finish = await runTurn(this.#run, citing, call, { pipeline, isStrict });
    const summary = {
      finish,
      rejected: router.rejected,
      hasCalls: router.segments.length > 0,
      mayCall: this.#mayCall,
      output: [...produced, ...this.#run.writer.state.response.output.slice(call.firstOutputIndex)],
      endsBlank: pipeline.endsBlank,
    };
    if (this.#retries.shouldRetry(summary)) {
      await this.#generation.closeInterrupted();
      this.#budget.spend("usage" in finish ? finish.usage : undefined);
      return undefined;
    }
    await pipeline.writeBlank();
    if (this.#retries.isUnanswered(summary)) {
      return this.#budget.withUsage({ ...UNANSWERED_FINISH, usage: "usage" in finish ? finish.usage : undefined });
    }
    if (finish.status !== "completed" || router.segments.length === 0) return this.#budget.withUsage(finish);
    // What came before the calls is in the log before the turn is in the journal, and the journal before any call is made.
    await this.#run.writer.flush();
    await this.#journal.addTurn({ usage: finish.usage, segments: [...router.segments] });
    await this.#finishTurn(new Set(), router.openCall);
    return undefined;
  }

  #openRemoteRun(
    resumable: ResumableRun | undefined,
    usedIds: ReadonlySet<string>,
    relay: OutputRouter,
  ): TurnRemoteRun | undefined {
    const { remoteRuns } = this.#dependencies;
    // Where nothing may be stored, nothing is left with a provider either, for however short a time.
    if (remoteRuns === undefined || this.#generation.conversation.request.store === false) return undefined;
    const { produced } = splitAtLastTurn(this.#generation.responseItems(), this.#journal.turns);
    const turn = { run: this.#run, journal: this.#journal, remoteRuns, router: relay, usedIds };
    return new TurnRemoteRun(turn, produced, resumable?.remoteRun);
  }

  /** What the provider has lost is asked for anew, as after a crash, with what the log has of it. */
  async #recoverInterruptedRun(error: unknown): Promise<UpstreamFinish | undefined> {
    if (!(error instanceof RemoteRunInterruptedError)) throw error;
    await this.#generation.closeInterrupted();
    if (!error.isLost) return undefined;
    const lost = await markRemoteRunLost(this.#dependencies.logger, this.#run, this.#journal);
    return lost > MAX_LOST_REMOTE_RUNS ? failedFinish("server_error", error.message) : undefined;
  }

  /** In this response and in those before it, as far as the conversation shows them. */
  #executedCalls(): Map<string, MadeCall> {
    return new Map([...this.#earlierCalls, ...collectExecutedCalls(this.#run.id, this.#journal)]);
  }

  async #describeTurn(): Promise<Turn> {
    const { storage, isStrict } = this.#dependencies;
    const { resolved, upstream, conversation } = this.#generation;
    const { project, preamble, input: history } = conversation;
    const produced = this.#generation.responseItems();
    const isHosted = (type: string) => understandsItem(resolved.provider, type);
    const made = this.#executedCalls();
    const request = buildTurnRequest(conversation.request, this.#tools, {
      // A turn of approved calls alone was not the model's.
      isFirst: this.#journal.turns.every(({ usage }) => usage === null),
      callsLeft: this.#callsLeft,
      outputTokensLeft: this.#outputTokensLeft,
    });
    return {
      storage,
      project,
      run: this.#run,
      upstream,
      resolved,
      request,
      preamble,
      history,
      responseItems: await unsealReasoning(storage, project, produced),
      render: (items) => renderContext(items, made, isHosted, [...history, ...produced], resolved.contextWindow),
      isStrict,
    };
  }

  /** No call is left as well when the tokens that are left are kept for the answer. */
  get #callsLeft(): number {
    const mustAnswer = this.#budget.mustAnswer || this.#retries.mustAnswer;
    return mustAnswer && this.#tools.functions.size > 0 ? 0 : this.#budget.callsLeft;
  }

  get #mayCall(): boolean {
    return this.#callsLeft > 0 && this.#tools.functions.size > 0;
  }

  get #outputTokensLeft(): number | undefined {
    return this.#mayCall ? this.#budget.toolTokensLeft : this.#budget.answerTokensLeft;
  }

  async #finishTurn(shownIds: ReadonlySet<string>, live: OutputRouter["openCall"]): Promise<void> {
    const { logger } = this.#dependencies;
    const { functions } = this.#tools;
    const included = toIncluded(this.#generation.conversation.request.include);
    const recorded = (events: readonly ItemEventDraft[]) => events.map((event) => toRecordedEvent(event, included));
    const write = (events: readonly ItemEventDraft[]) => this.#run.writer.writeAll(recorded(events));
    const writeAtomically = (events: readonly ItemEventDraft[]) => this.#run.writer.writeAtomically(recorded(events));
    const dependencies = { run: this.#run, journal: this.#journal, functions, logger, write, writeAtomically };
    await finishTurn(dependencies, shownIds, live);
  }
}
