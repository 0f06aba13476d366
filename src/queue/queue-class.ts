/**
 * The classes of the background queue. Each is a BullMQ priority: BullMQ takes smaller numbers first and equal numbers
 * in order of arrival.
 *
 * 1–3: a service tier (priority, default, flex).
 * 4: related, a response with a window whose `continuation_id` is running (src/store/related-responses.ts).
 * From 5: a response with a window (contract.md#completion-windows); the earlier its latest start, the smaller the
 * number.
 *
 * A response with a window runs when nothing else waits, and at once on an idle worker. `flex` waits behind the other
 * tiers, but not forever: from its latest start on, a response with a window or of the flex tier joins the default
 * tier. The class depends only on the record, so every process computes the same class.
 */
import { windowMsOf } from "../lifecycle/completion-window.ts";
import type { CreateRequest } from "../protocol/create-request.ts";
import type { ServiceTier } from "../protocol/request-options.ts";

export const PRIORITIES = { priority: 1, default: 2, flex: 3, related: 4, windowed: 5 } as const;

/** BullMQ's maximum. */
const MAX_PRIORITY = 2 ** 21 - 1;
/**
 * Latest starts are ordered by time slots of this length, counted from a fixed day, which suffices until 2045. After
 * that, responses with a window run in order of arrival and are still promoted in time.
 */
const SLOT_MS = 5 * 60_000;
const FIRST_SLOT_MS = Date.UTC(2026, 0, 1);

export interface QueueClass {
  /** The priority until the latest start. */
  priority: number;
  /** Unix milliseconds at which the response joins the default tier; 0 if its class never changes. */
  latestStartMs: number;
}

/**
 * `reserveMs`: time before the end of its window at which a response must start. `flexWaitMs`: maximum wait of the flex
 * tier behind the other tiers, or 0 for no maximum.
 */
export function queueClassOf(
  request: Pick<CreateRequest, "background" | "background_options" | "service_tier">,
  acceptedAtMs: number,
  reserveMs: number,
  flexWaitMs = 0,
): QueueClass {
  const windowMs = windowMsOf(request);
  if (windowMs === undefined) {
    const priority = priorityOf(request.service_tier);
    const isAging = request.background === true && priority === PRIORITIES.flex && flexWaitMs > 0;
    return { priority, latestStartMs: isAging ? acceptedAtMs + flexWaitMs : 0 };
  }
  const latestStartMs = acceptedAtMs + Math.max(0, windowMs - reserveMs);
  const slot = Math.max(0, Math.floor((latestStartMs - FIRST_SLOT_MS) / SLOT_MS));
  return { priority: Math.min(PRIORITIES.windowed + slot, MAX_PRIORITY), latestStartMs };
}

/** The name of a class, for people and metrics: the service tier, `related`, or `window`. */
export function nameOfClass({ priority }: Pick<QueueClass, "priority">): string {
  const tier = Object.entries(PRIORITIES).find(([name, value]) => name !== "windowed" && value === priority);
  return tier?.[0] ?? "window";
}

/** Whether the response has a completion window. The flex tier has a latest start but no window. */
export function hasWindow({ priority }: Pick<QueueClass, "priority">): boolean {
  return priority >= PRIORITIES.windowed;
}

/** The priority with which the response is enqueued now. */
export function priorityAt({ priority, latestStartMs }: QueueClass, nowMs: number): number {
  return latestStartMs > 0 && latestStartMs <= nowMs ? PRIORITIES.default : priority;
}

function priorityOf(tier: ServiceTier | null | undefined): number {
  switch (tier) {
    case "priority":
    case "fast":
    case "ultrafast":
      return PRIORITIES.priority;
    case "flex":
      return PRIORITIES.flex;
    case "auto":
    case "default":
    case "scale":
    case null:
    case undefined:
      return PRIORITIES.default;
  }
}
