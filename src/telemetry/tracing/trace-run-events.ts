/** What happens within an attempt, as events of the span in which it happens. */
import type { Attributes } from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { Channel } from "node:diagnostics_channel";
import { channels } from "../channels.ts";
import { ATTR_COST_USD, ATTR_RESPONSE_STATUS, ATTR_WORKER, attributesOf, definedAttributes } from "./attributes.ts";
import { currentSpan } from "./span-step.ts";

const PREFIX = "background_responses";

export function traceRunEvents(): void {
  addEvents(channels.accepted, "response accepted", ({ queueClass }) => ({ [`${PREFIX}.queue_class`]: queueClass }));
  addEvents(channels.retry, "retry", ({ provider, code, retries, delayMs }) => ({
    [ATTR_ERROR_TYPE]: code,
    [`${PREFIX}.provider`]: provider,
    [`${PREFIX}.retries`]: retries,
    [`${PREFIX}.delay_ms`]: delayMs,
  }));
  addEvents(channels.wait, "wait for provider", ({ provider, waitMs }) => ({
    [`${PREFIX}.provider`]: provider,
    [`${PREFIX}.wait_ms`]: waitMs,
  }));
  addEvents(channels.fallback, "fallback", ({ fallback, code }) => ({
    [ATTR_ERROR_TYPE]: code,
    [`${PREFIX}.fallback`]: fallback,
  }));
  addEvents(channels.recovery, "recovery", ({ lostWorker }) => ({ [ATTR_WORKER]: lostWorker }));
  addEvents(channels.ended, "response ended", ({ status, code, costUsd }) => ({
    [ATTR_RESPONSE_STATUS]: status,
    [ATTR_ERROR_TYPE]: code,
    [ATTR_COST_USD]: costUsd,
  }));
}

function addEvents<T>(source: Channel<unknown, T>, name: string, describe: (report: T) => Attributes): void {
  source.subscribe((message) => {
    currentSpan()?.addEvent(name, definedAttributes(describe(message as T)));
  });
}
