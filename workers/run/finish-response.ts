/** The end of a response by its own worker: the terminal event, then its removal from the set in flight. */
import {
  createCompletedEvent,
  createFailedEvent,
  createIncompleteEvent,
} from "../../src/lifecycle/lifecycle-events.ts";
import type { LifecycleEventDraft } from "../../src/protocol/event.ts";
import { settleEndedResponse } from "../../src/responses/ending/settle-ended-response.ts";
import { prepareEnd } from "../../src/responses/reading/item-references.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { RunProgress } from "../attempt/run-progress.ts";
import { addCompactionUsage } from "../turn/context/compact-context.ts";
import type { FinalFinish } from "../upstreams/upstream.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import type { OutputItems } from "../attempt/output-items.ts";

/** Closes open items, indexes the output by item id, and appends the terminal event. Resolves once it is in the log. */
export async function finishResponse(
  storage: Storage,
  attempt: Attempt,
  output: OutputItems,
  finish: FinalFinish,
): Promise<AttemptOutcome> {
  const { id, record, writer, progress } = attempt;
  const charged = addCompactionUsage(storage, attempt, finish);
  await output.closeAll();
  const terminal = createTerminalEvent(attempt, output, charged, storage.clock.nowMs());
  await prepareEnd(storage, id, terminal.response.output, record);
  noteReason(progress, finish);
  await writer.write(terminal);
  await writer.flush();
  await settleEndedResponse(storage, id, terminal.response);
  return { kind: "ended" };
}

/** Notes why a response ends without its answer. */
function noteReason(progress: RunProgress, finish: FinalFinish): void {
  if (finish.status === "failed") {
    const { provider } = progress;
    const cause = finish.cause === undefined || provider === "" ? finish.cause : `${provider}: ${finish.cause}`;
    progress.noteError(finish.error.code, finish.error.message, cause);
  }
  if (finish.status === "incomplete") progress.noteError(finish.details.reason, "", undefined);
}

function createTerminalEvent(
  { writer }: Attempt,
  output: OutputItems,
  finish: FinalFinish,
  nowMs: number,
): LifecycleEventDraft {
  const { response } = writer.state;
  if (finish.status === "failed") return createFailedEvent(response, finish.error, finish.usage ?? null, finish.report);
  const { usage, serviceTier, report } = finish;
  const ending = { output: output.completedItems(), usage, serviceTier, report };
  if (finish.status === "incomplete") return createIncompleteEvent(response, ending, finish.details);
  return createCompletedEvent(response, ending, Math.floor(nowMs / 1000));
}
