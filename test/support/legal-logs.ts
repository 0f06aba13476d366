/** Whole legal logs, made by fast-check: what the grammar must accept, and what it must refuse once one thing is wrong. */
import fc from "fast-check";
import { applyEvent, foldEvents, type ResponseState } from "../../src/lifecycle/apply-event.ts";
import { isClientAction } from "../../src/lifecycle/client-actions.ts";
import {
  createCancelledEvent,
  createItemClosingEvents,
  createCompletedEvent,
  createFailedEvent,
  responseError,
  createInProgressEvent,
  createIncompleteEvent,
} from "../../src/lifecycle/lifecycle-events.ts";
import { createOpeningEvents } from "../../src/lifecycle/new-response.ts";
import type { EventDraft } from "../../src/protocol/event.ts";
import { legalItem, type ItemScript } from "./legal-items.ts";
import { sampleResponse, USAGE } from "./samples.ts";

export interface LegalLog {
  events: EventDraft[];
  /** Places of items that a lost worker left behind (contract.md#crash-recovery). */
  cut: ReadonlySet<number>;
}

type Ending = "complete" | "stop" | "fail" | "cancel";

interface LogPlan {
  background: boolean;
  items: { script: ItemScript; cutAfter: number | undefined }[];
  ending: Ending;
  /** A background response may end before a worker has begun it. */
  isNeverBegun: boolean;
}

function writeLog(plan: LogPlan): LegalLog {
  const events: EventDraft[] = createOpeningEvents(sampleResponse({ background: plan.background }));
  let state = foldEvents(events)!;
  const cut = new Set<number>();
  const write = (...written: readonly EventDraft[]) => {
    events.push(...written);
    state = written.reduce<ResponseState>(applyEvent, state);
  };
  const cannotSkip = plan.ending === "complete" || plan.ending === "stop";
  if (!plan.background || cannotSkip || !plan.isNeverBegun) {
    if (plan.background) write(createInProgressEvent(state.response));
    for (const { script, cutAfter } of plan.items) {
      const place = state.response.output.length;
      const whole = script(place);
      // Of a call that a client makes, a lost worker leaves nothing.
      if (cutAfter !== undefined && isClientAction(itemTypeOf(whole))) continue;
      write(...whole.slice(0, cutAfter === undefined ? undefined : 1 + (cutAfter % (whole.length - 1))));
      if (!state.openIndices.has(place)) continue;
      cut.add(place);
      write(...createItemClosingEvents(state.response, state.openIndices));
    }
  }
  write(endingOf(state, plan.ending));
  return { events, cut };
}

function itemTypeOf([added]: readonly EventDraft[]): string {
  return added !== undefined && "item" in added ? added.item.type : "";
}

function endingOf({ response }: ResponseState, ending: Ending): EventDraft {
  const kept = { output: response.output.filter((item) => item.status !== "incomplete"), usage: USAGE };
  switch (ending) {
    case "complete":
      return createCompletedEvent(response, kept, 1_700_000_009);
    case "stop":
      return createIncompleteEvent(
        response,
        { ...kept, output: [...response.output] },
        { reason: "max_output_tokens" },
      );
    case "fail":
      return createFailedEvent(response, responseError("server_error", "It broke."));
    case "cancel":
      return createCancelledEvent(response);
  }
}

const item = fc.record({ script: legalItem, cutAfter: fc.option(fc.nat(30), { nil: undefined, freq: 4 }) });

export const legalLog: fc.Arbitrary<LegalLog> = fc
  .record<LogPlan>({
    background: fc.boolean(),
    items: fc.array(item, { maxLength: 4 }),
    ending: fc.constantFrom("complete", "stop", "fail", "cancel"),
    isNeverBegun: fc.boolean(),
  })
  .map(writeLog);
