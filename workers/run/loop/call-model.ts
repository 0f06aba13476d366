/** One call of the model: prepares its context, writes its events to the log, and returns what the loop decides on. */
import { understandsItem } from "../../../src/providers/hosted-tools.ts";
import { sealReasoning } from "../../../src/responses/content/sealed-items.ts";
import type { TurnSegment } from "../../../src/store/run-journals.ts";
import { readUnfinishedItem, type UnfinishedItem } from "../../attempt/unfinished-item.ts";
import type { ResumableRun } from "../../remote/turn-remote-run.ts";
import { collectCitablePages } from "../../turn/citations/citable-pages.ts";
import { deriveBoundary } from "../../turn/context/boundary.ts";
import { prepareContext, type TurnContext } from "../../turn/context/prepare-context.ts";
import { OutputRouter } from "../../turn/output-router.ts";
import { createOfferedCheck, renderRejectedCalls, toolNames } from "../../turn/rejected-calls.ts";
import { streamModelCall } from "../../turn/stream-model-call.ts";
import { trackModelCall } from "../../turn/track-model-call.ts";
import { TurnPipeline } from "../../turn/turn-pipeline.ts";
import { createCallCheck } from "../../turn/turn-request.ts";
import type { TurnInput, Unserved } from "../../turn/turn-input.ts";
import type { UpstreamCall } from "../../upstreams/upstream.ts";
import { prepareTurnInput, turnLimits } from "./prepare-turn-input.ts";
import { splitAtLastTurn } from "./journaled-turns.ts";
import { findExecutedCalls, type LoopContext } from "./loop-context.ts";
import { openRemoteRun } from "./recover-remote-run.ts";
import type { OpenCall } from "./segment-writer.ts";
import type { TurnSummary } from "./turn-retries.ts";

export type ModelCall =
  | Unserved
  | {
      kind: "called";
      summary: TurnSummary;
      /** The calls for the server's tools, and the items after them, in the model's order. */
      segments: readonly TurnSegment[];
      /** The call that is open in the log. */
      openCall: OpenCall | undefined;
      /** Writes the blank message that the turn ends with, if it has one. */
      writeBlank: () => Promise<void>;
    };

export async function callModel(context: LoopContext, resumable: ResumableRun | undefined): Promise<ModelCall> {
  const { attempt, dependencies, journal } = context;
  const limits = turnLimits(context);
  const turn = await prepareTurnInput(context, limits);
  // A remote run has its context already.
  const prepared = resumable === undefined ? await prepareContext(turn) : ({ kind: "prepared", ...turn } as const);
  if (prepared.kind === "unserved") return prepared;
  const { before, current } = splitAtLastTurn(prepared.responseItems, journal.turns);
  const usedIds = new Set(attempt.writer.state.response.output.map((item) => item.id));
  const unfinished = await readUnfinishedItem(dependencies.storage, attempt);
  const call = createCall(context, turn, { ...prepared, before, current, unfinished });
  const router = new OutputRouter({
    functions: context.tools.functions,
    callsLeft: limits.callsLeft,
    mayCall: createCallCheck(turn.request),
    isOffered: createOfferedCheck(context.tools.offered, turn.history),
    nextIndex: () => attempt.writer.state.response.output.length,
    usedIds,
  });
  call.remoteRun = openRemoteRun(context, { resumable, usedIds, router });
  const pipeline = openPipeline(context, turn, router, unfinished);
  const upstream = resumable?.upstream ?? turn.upstream;
  const finish = await trackModelCall(attempt.progress, turn, (tracker) =>
    streamModelCall(attempt, upstream, { ...call, observer: tracker }, pipeline, () => tracker.noteEvent()),
  );
  const { segments, openCall, rejected } = router;
  const summary = {
    finish,
    rejected,
    hasCalls: segments.length > 0,
    mayCall: limits.mayCall,
    output: [...current, ...attempt.writer.state.response.output.slice(call.firstOutputIndex)],
    endsBlank: pipeline.endsBlank,
  };
  return { kind: "called", summary, segments, openCall, writeBlank: () => pipeline.writeBlank() };
}

interface CallContext extends Pick<TurnContext, "history"> {
  /** Items of the response's earlier turns. */
  before: TurnContext["responseItems"];
  /** Items of this turn, completed before it was interrupted. */
  current: TurnContext["responseItems"];
  unfinished: UnfinishedItem | undefined;
}

function createCall(
  { attempt, retries, tools }: LoopContext,
  { storage, project, resolved, request, preamble, render }: TurnInput,
  { history, before, current, unfinished }: CallContext,
): UpstreamCall {
  return {
    responseId: attempt.id,
    model: resolved.model,
    request,
    history: [...preamble, ...history, ...render(before)],
    completedItems: [
      ...current.filter((item) => understandsItem(resolved.provider, item.type)),
      ...renderRejectedCalls(retries.rejected, toolNames(tools.offered)),
    ],
    unfinishedItem: unfinished?.item,
    firstOutputIndex: unfinished?.index ?? attempt.writer.state.response.output.length,
    boundary: deriveBoundary(storage, project, history),
  };
}

function openPipeline(
  context: LoopContext,
  { storage, project, request, isStrict }: TurnInput,
  router: OutputRouter,
  unfinished: UnfinishedItem | undefined,
): TurnPipeline {
  const { attempt, dependencies, input, output, resolved, tools } = context;
  // A provider that understands a tool's items cites their pages itself.
  const citableItems = input.input.filter(({ type }) => !understandsItem(resolved.provider, type));
  return new TurnPipeline(attempt, {
    request,
    citablePages: collectCitablePages(dependencies.serverTools.items, findExecutedCalls(context), citableItems),
    isStrict,
    seal: (thoughts) => sealReasoning(storage.sealer, project, thoughts),
    unfinished,
    discardUnfinished: () => output.discard(unfinished!.index),
    streamsCalls: dependencies.streamsCalls,
    functions: tools.functions,
    router,
  });
}
