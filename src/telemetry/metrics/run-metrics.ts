/** Responses from their acceptance to their end, as this process saw them. */
import { Counter, Histogram, type Registry } from "prom-client";
import { QUEUE_NAMES } from "../../protocol/organization-queue.ts";
import { attemptEndSchema } from "../../protocol/run.ts";
import { channels, type EndedReport } from "../channels.ts";
import {
  onEndHereAndRelayed as onEnd,
  onHereAndRelayed as on,
  onStartHereAndRelayed as onStart,
} from "../subscribe.ts";
import { BoundedValues, type ModelValues } from "./label-values.ts";
import { PREFIX, RUN_SECONDS, WAIT_SECONDS } from "./names.ts";

const SWEEP_ACTIONS = ["enqueue", "finish", "expire", "exhaust", "forget"];

export function collectRuns(registry: Registry, models: ModelValues, nowMs: () => number): (() => void)[] {
  const registers = [registry];
  const accepted = new Counter({
    name: `${PREFIX}responses_accepted_total`,
    help: "Responses accepted, by queue and by class of the queue.",
    labelNames: ["queue", "class"],
    registers,
  });
  const started = new Histogram({
    name: `${PREFIX}response_start_seconds`,
    help: "Time from the acceptance of a response to its first attempt.",
    labelNames: ["queue"],
    buckets: WAIT_SECONDS,
    registers,
  });
  const attempts = new Counter({
    name: `${PREFIX}attempts_total`,
    help: "Attempts that ended in this worker, by how they ended.",
    labelNames: ["end"],
    registers,
  });
  const recoveries = new Counter({
    name: `${PREFIX}recoveries_total`,
    help: "Responses that this worker took over from a lost worker.",
    registers,
  });
  const stalls = new Counter({
    name: `${PREFIX}stalls_total`,
    help: "Jobs whose worker was lost or blocked, found by this worker.",
    labelNames: ["queue"],
    registers,
  });
  const sweeps = new Counter({
    name: `${PREFIX}sweeps_total`,
    help: "Responses that the sweeper of this worker enqueued, ended or forgot, by action.",
    labelNames: ["action"],
    registers,
  });
  // So that a rate sees the first of them.
  for (const queue of QUEUE_NAMES) stalls.inc({ queue }, 0);
  for (const action of SWEEP_ACTIONS) sweeps.inc({ action }, 0);
  for (const end of attemptEndSchema.options) attempts.inc({ end }, 0);
  return [
    on(channels.accepted, ({ background, queueClass }) =>
      accepted.inc({ queue: queueOf(background), class: background ? queueClass : "default" }),
    ),
    onStart(channels.attempt, ({ attempt, background, acceptedAtMs }) => {
      if (attempt === 1) started.observe({ queue: queueOf(background) }, Math.max(0, nowMs() - acceptedAtMs) / 1000);
    }),
    onEnd(channels.attempt, ({ end = "failed" }) => attempts.inc({ end })),
    on(channels.recovery, () => recoveries.inc()),
    on(channels.stall, ({ queue }) => stalls.inc({ queue })),
    on(channels.sweep, ({ action }) => sweeps.inc({ action })),
    on(channels.ended, observeEnds(registry, models)),
  ];
}

function observeEnds(registry: Registry, models: ModelValues): (report: EndedReport) => void {
  const registers = [registry];
  const codes = new BoundedValues();
  const ended = new Counter({
    name: `${PREFIX}responses_ended_total`,
    help: "Responses ended, by status and by the code of the error or the reason of an incomplete response.",
    labelNames: ["queue", "status", "code", "model"],
    registers,
  });
  const firstEvent = new Histogram({
    name: `${PREFIX}response_first_event_seconds`,
    help: "Time from the acceptance of a response to the first event of its model, observed at its end.",
    labelNames: ["queue"],
    buckets: WAIT_SECONDS,
    registers,
  });
  const duration = new Histogram({
    name: `${PREFIX}response_duration_seconds`,
    help: "Time from the acceptance of a response to its end.",
    labelNames: ["queue", "status"],
    buckets: RUN_SECONDS,
    registers,
  });
  return ({ background, status, code, model, firstEventMs, durationMs }) => {
    const queue = queueOf(background);
    ended.inc({ queue, status, code: codes.of(code), model: models.of(model) });
    duration.observe({ queue, status }, durationMs / 1000);
    if (firstEventMs !== undefined) firstEvent.observe({ queue }, firstEventMs / 1000);
  };
}

function queueOf(background: boolean): string {
  return background ? "background" : "foreground";
}
