/** Converts errors that the official SDK throws. */
import { APIConnectionError, APIError } from "openai";
import {
  createBrokenStreamError,
  type ProviderError,
  createHttpError,
  createReportedError,
  createUnreachableError,
} from "../http/provider-error.ts";

export function classifyError(error: unknown): ProviderError {
  if (error instanceof APIConnectionError) return createUnreachableError(error);
  if (!(error instanceof APIError)) return createBrokenStreamError();
  // Without a status it was an `error` event in the stream: the provider's final answer, not a broken connection.
  if (error.status === undefined) return createReportedError(error.error);
  return createHttpError({ status: error.status, headers: error.headers, error: error.error });
}

/** Statuses that may differ on a later request. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([401, 403, 408, 409, 429]);

/** Whether the provider said that the response does not exist, now or later. */
export function isAbsentError(error: unknown): boolean {
  const status = error instanceof APIError ? (error.status as number | undefined) : undefined;
  return status !== undefined && status >= 400 && status < 500 && !TRANSIENT_STATUSES.has(status);
}
