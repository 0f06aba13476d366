/** One call of the model: prepares its context, writes its events to the log, and returns what the loop decides on. */
import { understandsItem } from "../../src/providers/hosted-tools.ts";
import { sealReasoning } from "../../src/responses/content/sealed-items.ts";
import type { TurnSegment } from "../../src/store/tool-journal.ts";
import { readUnfinishedItem, type UnfinishedItem } from "../attempt/unfinished-item.ts";
import type { ResumableRun } from "../remote/turn-remote-run.ts";
import { collectCitablePages } from "../tools/citable-pages.ts";
import { CallBuffer } from "../turn/call-buffer.ts";
import { addCitations } from "../turn/citations/citations.ts";
import { deriveBoundary } from "../turn/context/boundary.ts";
import { prepareContext, type TurnContext } from "../turn/context/prepare-context.ts";
import { EventRecorder } from "../turn/event-recorder.ts";
import { findServerFunction, OutputRouter } from "../turn/output-router.ts";
import { createOfferedCheck, renderRejectedCalls, toolNames } from "../turn/rejected-calls.ts";
import { runTurn } from "../turn/run-turn.ts";
import { TurnPipeline } from "../turn/turn-pipeline.ts";
import { createCallCheck } from "../turn/turn-request.ts";
import type { Turn } from "../turn/turn.ts";
import type { UnservedFinish, Upstream, UpstreamCall } from "../upstreams/upstream.ts";
import { describeTurn, turnLimits } from "./describe-turn.ts";
import { splitAtLastTurn } from "./journaled-turns.ts";
import { findExecutedCalls, type LoopContext } from "./loop-context.ts";
import { openRemoteRun } from "./recover-remote-run.ts";
import type { OpenCall } from "./segment-writer.ts";
import type { TurnSummary } from "./turn-retries.ts";

/** `unserved`: the context could not be prepared, so the model was not called. */
export type ModelCall =
  | { kind: "unserved"; finish: UnservedFinish }
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
  const turn = await describeTurn(context, limits);
  // A remote run has its context already.
  const shown = resumable === undefined ? await prepareContext(turn) : turn;
  if ("type" in shown) return { kind: "unserved", finish: shown };
  const { before, current } = splitAtLastTurn(shown.responseItems, journal.turns);
  const usedIds = new Set(attempt.writer.state.response.output.map((item) => item.id));
  const unfinished = await readUnfinishedItem(dependencies.storage, attempt);
  const call = createCall(context, turn, { ...shown, before, current, unfinished });
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
  const upstream = withCitations(context, resumable?.upstream ?? turn.upstream);
  const finish = await runTurn(attempt, upstream, call, { pipeline, isStrict: turn.isStrict });
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
  { storage, project, resolved, request, preamble, render }: Turn,
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
  { attempt, dependencies, output, tools }: LoopContext,
  { storage, project, request }: Turn,
  router: OutputRouter,
  unfinished: UnfinishedItem | undefined,
): TurnPipeline {
  return new TurnPipeline(attempt, {
    recorder: new EventRecorder(request, (thoughts) => sealReasoning(storage.sealer, project, thoughts)),
    callBuffer: new CallBuffer({
      streamsCalls: dependencies.streamsCalls,
      isServerCall: (item) => findServerFunction(item, tools.functions) !== undefined,
    }),
    router,
    unfinished,
    discardUnfinished: () => output.discard(unfinished!.index),
  });
}

/** A provider that understands a tool's items cites their pages itself, so only the other items' pages are added. */
function withCitations(context: LoopContext, upstream: Upstream): Upstream {
  const { provider } = context.resolved;
  const items = context.input.input.filter(({ type }) => !understandsItem(provider, type));
  return addCitations(upstream, collectCitablePages(findExecutedCalls(context), items));
}
