/**
 * The classes of the background queue, each a priority of BullMQ, which takes smaller numbers first and equal ones in
 * their order of arrival:
 *
 *   1–3     a service tier: priority, default, flex
 *   4       related: a response with a window whose `continuation_id` is being run (store/continuations.ts)
 *   from 5  a response with a window (contract.md#completion-windows): the earlier it must start, the smaller the number
 *
 * So a response with a window runs when nothing else waits, and at once on an idle worker. `flex` waits behind the other
 * tiers, but not for ever. From its latest start on, each of the two is one of the default tier. Everything that a class
 * follows from is in the record: every process decides the same.
 */
import { windowMsOf } from "../lifecycle/completion-window.ts";
import type { CreateRequest } from "../protocol/create-request.ts";
import type { ServiceTier } from "../protocol/settings.ts";

export const PRIORITIES = { priority: 1, default: 2, flex: 3, related: 4, windowed: 5 } as const;

/** BullMQ's own bound. */
const MAX_PRIORITY = 2 ** 21 - 1;
/**
 * Latest starts are ordered by the slot of so long that they are in, counted from a fixed day: so the numbers last until
 * 2045. From then on responses with a window are run in their order of arrival, and promoted in time all the same.
 */
const SLOT_MS = 5 * 60_000;
const FIRST_SLOT_MS = Date.UTC(2026, 0, 1);

export interface QueueClass {
  /** Until the latest start. */
  priority: number;
  /** Unix milliseconds from which it waits as one of the default tier; 0 if its class never changes. */
  latestStartMs: number;
}

/**
 * `reserveMs` is how long before the end of its window it must start; `flexWaitMs` for how long one of the flex tier waits
 * behind the others, or 0 for ever.
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

/** Whether it has a completion window: the flex tier has a latest start, but no window. */
export function hasWindow({ priority }: Pick<QueueClass, "priority">): boolean {
  return priority >= PRIORITIES.windowed;
}

/** The priority with which it is enqueued now. */
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
