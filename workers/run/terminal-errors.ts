/** The errors of responses that fail without another attempt. */
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import { MAX_ISOLATED_CRASHES } from "../../src/stream/log/suspicion.ts";

export const DEADLINE_ERROR = responseError("server_error", "The response was not finished before its deadline.");

export const CRASHED_ERROR = responseError(
  "server_error",
  `The response could not be finished: the process that ran it alone crashed ${MAX_ISOLATED_CRASHES} times.`,
);

export const EXHAUSTED_ERROR = responseError(
  "server_error",
  "The response could not be finished: it has failed too often.",
);

export function createExhaustedError(attempts: number): ResponseError {
  return responseError("server_error", `The response could not be finished: it has failed ${attempts} times.`);
}
