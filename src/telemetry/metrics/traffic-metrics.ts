/** Requests, events and webhooks that passed through this process. */
import { Counter, Histogram, type Registry } from "prom-client";
import { type BodyRefusal, channels, type WebhookDeliveryReport } from "../channels.ts";
import { on, onHereAndRelayed } from "../subscribe.ts";
import { HTTP_SECONDS, PREFIX } from "./names.ts";

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
const REFUSALS: readonly BodyRefusal[] = [
  "too_large",
  "too_many_values",
  "too_many_fields",
  "too_deep",
  "malformed",
  "unreadable",
];
/** Both prefixes serve the same routes. */
const MOUNT = /^\/v\d+(?=\/)/;

export function collectRequests(registry: Registry): (() => void)[] {
  const registers = [registry];
  const duration = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: "Time until the head of the answer, by the pattern of the path.",
    labelNames: ["method", "route", "status"],
    buckets: HTTP_SECONDS,
    registers,
  });
  const cutOff = new Counter({
    name: `${PREFIX}http_answers_cut_off_total`,
    help: "Requests whose connection closed before the end of the answer: the client left, or it read nothing for too long.",
    labelNames: ["route"],
    registers,
  });
  const refused = new Counter({
    name: `${PREFIX}request_bodies_refused_total`,
    help: "Request bodies refused for their size, their form or their encoding.",
    labelNames: ["reason"],
    registers,
  });
  // So that a rate sees the first of them.
  for (const reason of REFUSALS) refused.inc({ reason }, 0);
  return [
    on(channels.request.asyncEnd, (report) => {
      const route = report.route?.replace(MOUNT, "") ?? "none";
      const method = METHODS.has(report.method) ? report.method : "other";
      if (report.isCutOff === true) cutOff.inc({ route });
      if (report.processingMs === undefined) return;
      duration.observe({ method, route, status: report.statusCode ?? 0 }, report.processingMs / 1000);
    }),
    on(channels.bodyRefused, ({ reason }) => refused.inc({ reason })),
  ];
}

/** Counts once per batch: a worker records, and an API process delivers, hundreds of thousands of events a second. */
export function collectEvents(registry: Registry): (() => void)[] {
  const counter = (name: string, help: string) =>
    new Counter({ name: `${PREFIX}${name}`, help, registers: [registry] });
  const recorded = counter("events_recorded_total", "Events that this process has appended to logs.");
  const recordedBytes = counter("events_recorded_bytes_total", "Characters of the events appended to logs.");
  const delivered = counter("events_delivered_total", "Events that this process has passed to subscribers.");
  const deliveredBytes = counter("events_delivered_bytes_total", "Bytes of the events passed to subscribers.");
  return [
    onHereAndRelayed(channels.recorded, ({ events, bytes }) => {
      recorded.inc(events);
      recordedBytes.inc(bytes);
    }),
    on(channels.delivered, ({ events, bytes }) => {
      delivered.inc(events);
      deliveredBytes.inc(bytes);
    }),
  ];
}

const DELIVERY_STATES: readonly WebhookDeliveryReport["state"][] = ["delivered", "retrying", "failed", "dropped"];

export function collectWebhooks(registry: Registry): (() => void)[] {
  const duration = new Histogram({
    name: `${PREFIX}webhook_delivery_duration_seconds`,
    help: "Duration of tries to deliver a webhook, by the state of the delivery after them.",
    labelNames: ["state"],
    buckets: HTTP_SECONDS,
    registers: [registry],
  });
  // So that a rate sees the first of them.
  for (const state of DELIVERY_STATES) duration.zero({ state });
  return [on(channels.webhookDelivery, ({ state, durationMs }) => duration.observe({ state }, durationMs / 1000))];
}
