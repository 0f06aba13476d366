/**
 * The turns of a response: the model is called, the calls of the server's tools that it asks for are made, and it is called
 * again with their results, until it answers, a call is the client's to make or to approve, or a budget is spent. Each
 * turn with calls is in the journal, so a run that takes over goes on behind the last step that was recorded.
 */
import type { OutputItem } from "../../src/protocol/item.ts";
import { includedIn, recordedEvent } from "../../src/lifecycle/include.ts";
import { openReasoning, sealReasoning } from "../../src/responses/content/sealed-items.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { boundaryOf } from "../turn/context/boundary.ts";
import { reportSearches } from "./tool-usage.ts";
import { RecordedForm } from "../turn/recorded-form.ts";
import { runsTool, understandsItem } from "../../src/providers/hosted-tools.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import type { Conversation } from "../../src/responses/conversations/conversation.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { withCitations } from "../turn/citations/citations.ts";
import { readPages } from "../tools/read-pages.ts";
import type { MadeCall } from "../tools/made-call.ts";
import { modelContext } from "../turn/context/model-context.ts";
import { lostTurn } from "./lost-turn.ts";
import { madeCalls, readMadeCalls } from "./made-calls.ts";
import type { Run } from "../attempt/run.ts";
import type { BackgroundUpstreams } from "../remote/background-upstreams.ts";
import { namesOf, offeredNames, shownRefusals } from "../turn/refused-calls.ts";
import { RunBudget } from "./run-budget.ts";
import { RunJournal } from "../attempt/run-journal.ts";
import { runTurn } from "../turn/run-turn.ts";
import { TurnOutput } from "../turn/turn-output.ts";
import { readToldItem } from "../attempt/told-item.ts";
import { WholeCalls } from "../turn/whole-calls.ts";
import { compactOnly } from "../turn/context/compact-context.ts";
import { prepareContext } from "../turn/context/prepare-context.ts";
import type { Turn } from "../turn/turn.ts";
import { TurnsAgain, UNANSWERED } from "./turns-again.ts";
import { finishTurn } from "./tool-turn.ts";
import type { OpenTools, ServerTools } from "../tools/registry.ts";
import { openSession } from "../tools/tool-session.ts";
import { approvedSegments, splitAtTurn } from "./turn-history.ts";
import { mayCall, turnRequest } from "../turn/turn-request.ts";
import { serverFunctionOf, TurnRelay } from "../turn/turn-relay.ts";
import { heldTurn, type HeldTurn, loseAttachment, TurnAttachment } from "../remote/turn-attachment.ts";
import { DetachedError, failed, type Upstream, type UpstreamCall, type UpstreamFinish } from "../upstreams/upstream.ts";
import { waitsForClient } from "./waits-for-client.ts";

/** How often a turn is asked for anew because its provider has lost what it ran for it. */
const LOST_MAXIMUM = 3;

export interface LoopDependencies {
  storage: Storage;
  serverTools: ServerTools;
  /** Whether upstreams are held to the contract's orders of events. */
  isStrict: boolean;
  /** Whether calls that the client makes are recorded as the model writes them, rather than whole. */
  streamsCalls: boolean;
  /** In one response, whatever its request says. */
  maxToolCalls: number;
  /** If any provider runs responses in its own background. */
  background?: BackgroundUpstreams | undefined;
}

/** What a run generates with. */
export interface Generation {
  upstream: Upstream;
  resolved: ResolvedModel;
  conversation: Conversation;
  /** Completed items of the response, as the log stands now. */
  produced: () => readonly OutputItem[];
  /** Closes what is open in the log as incomplete, but for a text that another call can continue. */
  closeBroken: () => Promise<void>;
  /** Closes the item at this place as incomplete. The final output leaves it out. */
  discard: (place: number) => Promise<void>;
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
  const isRead = hasTools || dependencies.background !== undefined;
  const journal = isRead ? await RunJournal.open(storage, run) : RunJournal.empty(storage, run);
  const earlier = await readMadeCalls(storage, generation.conversation);
  const session = openSession(storage, run, generation.conversation, generation.produced);
  await using tools = await dependencies.serverTools.open(session, (tool) => runsTool(provider, tool.type));
  return await new Loop(dependencies, run, generation, { journal, tools, earlier }).run();
}

class Loop {
  readonly #dependencies: LoopDependencies;
  readonly #run: Run;
  readonly #generation: Generation;
  readonly #journal: RunJournal;
  readonly #tools: OpenTools;
  readonly #earlier: ReadonlyMap<string, MadeCall>;
  readonly #budget: RunBudget;
  readonly #again = new TurnsAgain();

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
    this.#earlier = state.earlier;
    this.#budget = new RunBudget(generation.conversation.request, dependencies.maxToolCalls, state.journal);
  }

  async run(): Promise<UpstreamFinish> {
    const finish = await this.#takeTurns();
    const made = madeCalls(this.#run.id, this.#journal);
    return { ...finish, report: reportSearches(finish.report, this.#generation.produced(), made) };
  }

  async #takeTurns(): Promise<UpstreamFinish> {
    if (this.#generation.conversation.purpose === "compact") return await compactOnly(await this.#describeTurn());
    await this.#takeUp();
    for (;;) {
      // What its provider still runs has more of the turn, and knows what it cost.
      const held = heldTurn(this.#journal, this.#dependencies.background);
      const isWaiting = held === undefined && this.#generation.produced().some(waitsForClient);
      if (isWaiting) return this.#budget.completed();
      if (!this.#budget.hasTokensForTurn) return this.#budget.outOfTokens();
      const finish = await this.#turn(held).catch((error: unknown) => this.#detached(error));
      if (finish !== undefined) return finish;
    }
  }

  /** What an attempt that was cut off left of its last turn; or, in the beginning, the calls that the client approved. */
  async #takeUp(): Promise<void> {
    const produced = this.#generation.produced();
    const { provider } = this.#generation.resolved;
    const lost = lostTurn(splitAtTurn(produced, this.#journal.turns).produced, (type) =>
      understandsItem(provider, type),
    );
    if (lost !== undefined) await this.#journal.addLostTurn(lost);
    if (this.#journal.turns.length === 0) {
      const segments = approvedSegments(this.#tools, this.#budget.callsLeft);
      if (segments.length === 0) return;
      await this.#journal.addTurn({ usage: null, segments });
    }
    await this.#finishTurn(new Set(produced.map((item) => item.id)), undefined);
  }

  /** One call of the model and the calls that it asks for. Undefined if it is to be called again. */
  async #turn(held: HeldTurn | undefined): Promise<UpstreamFinish | undefined> {
    const turn = await this.#describeTurn();
    const { storage, project, resolved, request, isStrict } = turn;
    // Nobody is shown the context of a call that was made already.
    const context = held === undefined ? await prepareContext(turn) : turn;
    if ("type" in context) return context;
    const { before, produced } = splitAtTurn(context.produced, this.#journal.turns);
    const { output } = this.#run.writer.state.response;
    const usedIds = new Set(output.map((item) => item.id));
    const unfinished = await readToldItem(storage, this.#run);
    const call: UpstreamCall = {
      responseId: this.#run.id,
      model: resolved.model,
      request,
      input: [...turn.preamble, ...context.input, ...turn.render(before)],
      produced: [
        ...produced.filter((item) => understandsItem(resolved.provider, item.type)),
        ...shownRefusals(this.#again.refused, namesOf(this.#tools.offered)),
      ],
      unfinished: unfinished?.item,
      firstOutputIndex: unfinished?.index ?? output.length,
      boundary: boundaryOf(storage, project, context.input),
    };
    const relay = new TurnRelay({
      functions: this.#tools.functions,
      callsLeft: this.#callsLeft,
      mayCall: mayCall(request),
      isOffered: offeredNames(this.#tools.offered, turn.input),
      nextIndex: () => this.#run.writer.state.response.output.length,
      usedIds,
    });
    call.attachment = this.#attach(held, usedIds, relay);
    const form = new RecordedForm(request, (thoughts) => sealReasoning(storage.sealer, project, thoughts));
    const citing = withCitations(
      held?.upstream ?? turn.upstream,
      // A provider that understands the items of a tool cites what it found by itself.
      readPages(
        this.#made(),
        this.#generation.conversation.input.filter(({ type }) => !understandsItem(resolved.provider, type)),
      ),
    );
    const turnOutput = new TurnOutput(this.#run, {
      form,
      calls: new WholeCalls({
        isLive: this.#dependencies.streamsCalls,
        isOwn: (item) => serverFunctionOf(item, this.#tools.functions) !== undefined,
      }),
      relay,
      told: unfinished,
      discardTold: () => this.#generation.discard(unfinished!.index),
    });
    const finish = await runTurn(this.#run, citing, call, { output: turnOutput, isStrict });
    const told = {
      finish,
      refused: relay.refused,
      hasCalls: relay.segments.length > 0,
      mayCall: this.#mayCall,
      output: [...produced, ...this.#run.writer.state.response.output.slice(call.firstOutputIndex)],
      endsBlank: turnOutput.endsBlank,
    };
    if (this.#again.mayTake(told)) {
      await this.#generation.closeBroken();
      this.#budget.spend("usage" in finish ? finish.usage : undefined);
      return undefined;
    }
    await turnOutput.writeBlank();
    if (this.#again.isUnanswered(told)) {
      return this.#budget.withUsage({ ...UNANSWERED, usage: "usage" in finish ? finish.usage : undefined });
    }
    if (finish.status !== "completed" || relay.segments.length === 0) return this.#budget.withUsage(finish);
    // What came before the calls is in the log before the turn is in the journal, and the journal before any call is made.
    await this.#run.writer.flush();
    await this.#journal.addTurn({ usage: finish.usage, segments: [...relay.segments] });
    await this.#finishTurn(new Set(), relay.live);
    return undefined;
  }

  #attach(held: HeldTurn | undefined, usedIds: ReadonlySet<string>, relay: TurnRelay): TurnAttachment | undefined {
    const { background } = this.#dependencies;
    // Where nothing may be stored, nothing is left with a provider either, for however short a time.
    if (background === undefined || this.#generation.conversation.request.store === false) return undefined;
    const { produced } = splitAtTurn(this.#generation.produced(), this.#journal.turns);
    const turn = { run: this.#run, journal: this.#journal, background, relay, usedIds };
    return new TurnAttachment(turn, produced, held?.attachment);
  }

  /** What the provider has lost is asked for anew, as after a crash, with what the log has of it. */
  async #detached(error: unknown): Promise<UpstreamFinish | undefined> {
    if (!(error instanceof DetachedError)) throw error;
    await this.#generation.closeBroken();
    if (!error.isLost) return undefined;
    const lost = await loseAttachment(this.#dependencies.storage, this.#run, this.#journal);
    return lost > LOST_MAXIMUM ? failed("server_error", error.message) : undefined;
  }

  /** In this response and in those before it, as far as the conversation shows them. */
  #made(): Map<string, MadeCall> {
    return new Map([...this.#earlier, ...madeCalls(this.#run.id, this.#journal)]);
  }

  async #describeTurn(): Promise<Turn> {
    const { storage, isStrict } = this.#dependencies;
    const { resolved, upstream, conversation } = this.#generation;
    const { project, preamble, input } = conversation;
    const produced = this.#generation.produced();
    const isHosted = (type: string) => understandsItem(resolved.provider, type);
    const made = this.#made();
    const request = turnRequest(conversation.request, this.#tools, {
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
      input,
      produced: await openReasoning(storage, project, produced),
      render: (items) => modelContext(items, made, isHosted, [...input, ...produced], resolved.contextWindow),
      isStrict,
    };
  }

  /** No call is left as well when the tokens that are left are kept for the answer. */
  get #callsLeft(): number {
    const mustAnswer = this.#budget.mustAnswer || this.#again.mustAnswer;
    return mustAnswer && this.#tools.functions.size > 0 ? 0 : this.#budget.callsLeft;
  }

  get #mayCall(): boolean {
    return this.#callsLeft > 0 && this.#tools.functions.size > 0;
  }

  get #outputTokensLeft(): number | undefined {
    return this.#mayCall ? this.#budget.toolTokensLeft : this.#budget.answerTokensLeft;
  }

  async #finishTurn(shownIds: ReadonlySet<string>, live: TurnRelay["live"]): Promise<void> {
    const { logger } = this.#dependencies.storage;
    const { functions } = this.#tools;
    const included = includedIn(this.#generation.conversation.request.include);
    const recorded = (events: readonly ItemEventDraft[]) => events.map((event) => recordedEvent(event, included));
    const write = (events: readonly ItemEventDraft[]) => this.#run.writer.writeAll(recorded(events));
    const writeWhole = (events: readonly ItemEventDraft[]) => this.#run.writer.writeWhole(recorded(events));
    const dependencies = { run: this.#run, journal: this.#journal, functions, logger, write, writeWhole };
    await finishTurn(dependencies, shownIds, live);
  }
}
