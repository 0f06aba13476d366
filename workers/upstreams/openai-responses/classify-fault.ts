/** What the official SDK throws, in the terms of this server. */
import { APIConnectionError, APIError } from "openai";
import {
  brokenStreamFault,
  type ProviderFault,
  refusalFault,
  toldFault,
  unreachableFault,
} from "../provider/faults.ts";

export function classifyFault(error: unknown): ProviderFault {
  if (error instanceof APIConnectionError) return unreachableFault(error);
  if (!(error instanceof APIError)) return brokenStreamFault();
  // Without a status it was an `error` frame in the stream: the provider's last word, not a broken connection.
  if (error.status === undefined) return toldFault(error.error);
  return refusalFault({ status: error.status, headers: error.headers, error: error.error });
}

/** Answers that may be another one the next time. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 408, 409, 429]);

/** Whether the provider said that what was asked for is not there to be read or ended, now or later. */
export function isNotThere(error: unknown): boolean {
  const status = error instanceof APIError ? (error.status as number | undefined) : undefined;
  return status !== undefined && status >= 400 && status < 500 && !PASSING.has(status);
}
