/** The statuses of a response. */
import type { ResponseStatus, TerminalStatus } from "../../../protocol/response.ts";

const IS_TERMINAL: Readonly<Record<ResponseStatus, boolean>> = {
  queued: false,
  in_progress: false,
  completed: true,
  incomplete: true,
  failed: true,
  cancelled: true,
};

export const STATUSES: readonly ResponseStatus[] = [
  "queued",
  "in_progress",
  "completed",
  "incomplete",
  "failed",
  "cancelled",
];

export function isTerminalStatus(status: ResponseStatus): status is TerminalStatus {
  return IS_TERMINAL[status];
}

/** Statuses as people read them. */
export function describeStatus(status: ResponseStatus): string {
  return status === "in_progress" ? "in progress" : status;
}
