/** What this process holds now, and Node.js's own metrics. */
import { collectDefaultMetrics, Counter, Gauge, type Registry } from "prom-client";
import { QUEUE_NAMES, type QueueName, type QueueSlots } from "../../protocol/organization-queue.ts";
import { PREFIX } from "./names.ts";

export interface StreamSources {
  openStreams: () => number;
  followers: () => number;
  heldBytes: () => number;
}

export interface ProcessSources {
  kind: string;
  release: string;
  clockSkewMs: () => number;
  countReconnects: () => number;
}

export function collectProcess(
  registry: Registry,
  { kind, release, clockSkewMs, countReconnects }: ProcessSources,
): void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const build = new Gauge({
    name: `${PREFIX}build_info`,
    help: "1, with the release and the kind of this process.",
    labelNames: ["version", "process"],
    registers,
  });
  build.set({ version: release, process: kind }, 1);
  const skew: Gauge = new Gauge({
    name: `${PREFIX}clock_skew_seconds`,
    help: "How far the clock of this process's machine is ahead of Redis's.",
    registers,
    collect: () => skew.set(clockSkewMs() / 1_000),
  });
  const reconnects = new Counter({
    name: `${PREFIX}redis_reconnects_total`,
    help: "Connections to Redis that this process lost and opened again.",
    registers,
    collect: () => {
      reconnects.reset();
      reconnects.inc(countReconnects());
    },
  });
}

export function collectStreams(registry: Registry, { openStreams, followers, heldBytes }: StreamSources): void {
  const gauge = (name: string, help: string, read: () => number): Gauge => {
    const created: Gauge = new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers: [registry],
      collect: () => created.set(read()),
    });
    return created;
  };
  gauge("streams_open", "Event streams that this process serves.", openStreams);
  gauge("stream_followers", "Followers of logs: event streams, and requests that wait for an end.", followers);
  gauge("stream_held_bytes", "Bytes of events that this process holds for slow connections.", heldBytes);
}

/** Undefined before the worker takes jobs. */
export type SlotReader = () => Record<QueueName, QueueSlots> | undefined;

export function collectSlots(registry: Registry, readSlots: SlotReader): void {
  const gauge = (name: string, help: string, read: (slots: QueueSlots) => number): void => {
    const created: Gauge<"queue"> = new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames: ["queue"],
      registers: [registry],
      collect: () => {
        const slots = readSlots();
        if (slots === undefined) return;
        for (const queue of QUEUE_NAMES) created.set({ queue }, read(slots[queue]));
      },
    });
  };
  gauge("worker_slots", "Responses that this worker runs at a time.", ({ slots }) => slots);
  gauge(
    "worker_slots_used",
    "Responses that this worker runs now. May exceed the slots by the reserve.",
    (each) => each.used,
  );
}
