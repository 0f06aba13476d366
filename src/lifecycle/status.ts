/**
 * The transitions of a response. The table is total: a new status or trigger without its row or column does not
 * compile. Source: contract.md#statuses, contract.md#cancelling.
 */
import type { ResponseStatus } from "../protocol/response.ts";
import { type ApiError } from "./errors/api-error.ts";
import { cannotCancel } from "./errors/state.ts";

/** `stop` ends a response at a limit (`incomplete`). */
export type Trigger = "start" | "complete" | "stop" | "fail" | "cancel";

/** `move`: the status changes. `stay`: the trigger already took effect. `reject`: the status forbids it. */
export type Transition =
  | { kind: "move"; to: ResponseStatus }
  | { kind: "stay" }
  | { kind: "reject"; error?: () => ApiError };

const move = (to: ResponseStatus): Transition => ({ kind: "move", to });
const STAY: Transition = { kind: "stay" };
const REJECT: Transition = { kind: "reject" };
const ENDED = { start: REJECT, complete: REJECT, stop: REJECT, fail: REJECT };

export const TRANSITIONS: Record<ResponseStatus, Record<Trigger, Transition>> = {
  queued: {
    start: move("in_progress"),
    complete: REJECT,
    stop: REJECT,
    fail: move("failed"),
    cancel: move("cancelled"),
  },
  in_progress: {
    start: STAY,
    complete: move("completed"),
    stop: move("incomplete"),
    fail: move("failed"),
    cancel: move("cancelled"),
  },
  completed: { ...ENDED, cancel: { kind: "reject", error: () => cannotCancel("completed") } },
  incomplete: { ...ENDED, cancel: { kind: "reject", error: () => cannotCancel("incomplete") } },
  failed: { ...ENDED, cancel: { kind: "reject", error: () => cannotCancel("failed") } },
  cancelled: { ...ENDED, cancel: STAY },
};

export class IllegalTransitionError extends Error {
  override readonly name = "IllegalTransitionError";
  constructor(status: ResponseStatus, trigger: Trigger) {
    super(`A response that is ${status} cannot ${trigger}.`);
  }
}

/**
 * Returns the status after `trigger`. Throws the contract's error, or IllegalTransitionError where only a bug can lead.
 */
export function nextStatus(status: ResponseStatus, trigger: Trigger): ResponseStatus {
  const transition = TRANSITIONS[status][trigger];
  if (transition.kind === "move") return transition.to;
  if (transition.kind === "stay") return status;
  throw transition.error?.() ?? new IllegalTransitionError(status, trigger);
}
