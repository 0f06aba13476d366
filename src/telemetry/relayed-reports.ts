/**
 * Reports of a run in quarantine, for the metrics of its worker. The process of the run sends them, and the worker publishes
 * them on channels of their own, because the process has already logged and traced them.
 */
import type { Channel, TracingChannel } from "node:diagnostics_channel";
import type { AttemptReport } from "./channels.ts";
import { channels } from "./channels.ts";
import { on, onEnd, onStart, relayedOf } from "./subscribe.ts";

const EVENTS = {
  retry: channels.retry,
  wait: channels.wait,
  silence: channels.silence,
  fallback: channels.fallback,
  recovery: channels.recovery,
  ended: channels.ended,
  spendAlert: channels.spendAlert,
  recorded: channels.recorded,
} as const;
const WORK = { attempt: channels.attempt, modelCall: channels.modelCall, toolCall: channels.toolCall } as const;

/** Plain data. A begin and an end of the same work have the same id. */
export type RelayedReport =
  | { kind: "event"; channel: keyof typeof EVENTS; report: object }
  | { kind: "begin" | "end"; channel: keyof typeof WORK; id: number; report: object };

/** A run reports each batch of events that it records, and relays their sums. */
const RECORDED_INTERVAL_MS = 1_000;

/** In the process of the run. `flush` sends what it still holds. */
export function relayReports(send: (report: RelayedReport) => void): { flush: () => void } {
  const { recorded: recordedChannel, ...others } = EVENTS;
  for (const [name, source] of Object.entries(others)) {
    on(source as Channel<unknown, object>, (report) =>
      send({ kind: "event", channel: name as keyof typeof others, report }),
    );
  }
  for (const [name, source] of Object.entries(WORK)) {
    relayWork(name as keyof typeof WORK, source, send);
  }
  return { flush: relaySums(recordedChannel, send) };
}

function relayWork(
  channel: keyof typeof WORK,
  source: TracingChannel<unknown, object>,
  send: (report: RelayedReport) => void,
): void {
  const ids = new WeakMap<object, number>();
  let last = 0;
  onStart(source, (report) => {
    ids.set(report, (last += 1));
    send({ kind: "begin", channel, id: last, report });
  });
  onEnd(source, (report) => {
    const id = ids.get(report);
    if (id !== undefined) send({ kind: "end", channel, id, report });
  });
}

function relaySums(source: (typeof EVENTS)["recorded"], send: (report: RelayedReport) => void): () => void {
  let sum = { events: 0, bytes: 0 };
  on(source, ({ events, bytes }) => {
    sum = { events: sum.events + events, bytes: sum.bytes + bytes };
  });
  const flush = (): void => {
    if (sum.events > 0) send({ kind: "event", channel: "recorded", report: sum });
    sum = { events: 0, bytes: 0 };
  };
  setInterval(flush, RECORDED_INTERVAL_MS).unref();
  return flush;
}

/** In the worker: what one process of a run reports. */
export class RelayedReports {
  /** Work that has begun and not ended, by its id. */
  readonly #begun = { attempt: new Map(), modelCall: new Map(), toolCall: new Map() } satisfies Record<
    keyof typeof WORK,
    Map<number, object>
  >;

  publish(message: RelayedReport): void {
    if (message.kind === "event") {
      relayedOf(EVENTS[message.channel] as Channel<unknown, object>).publish(message.report);
      return;
    }
    const { channel, id, report } = message;
    const begun: Map<number, object> = this.#begun[channel];
    if (message.kind === "begin") {
      begun.set(id, report);
      relayedOf(WORK[channel].start as Channel<unknown, object>).publish(report);
    } else {
      this.#end(channel, begun.get(id) ?? {}, report);
      begun.delete(id);
    }
  }

  /** Ends the attempt of a process that crashed. */
  reportCrash(): void {
    const attempts: Map<number, object> = this.#begun.attempt;
    for (const report of attempts.values()) {
      this.#end("attempt", report, { end: "crashed" } satisfies Partial<AttemptReport>);
    }
    attempts.clear();
  }

  /** Subscribers know the work by the object that they got at its begin. */
  #end(channel: keyof typeof WORK, begun: object, report: object): void {
    relayedOf(WORK[channel].asyncStart as Channel<unknown, object>).publish(Object.assign(begun, report));
  }
}
