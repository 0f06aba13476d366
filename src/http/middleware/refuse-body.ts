/** Reports a body that is refused before it is checked against a schema. */
import type { ApiError } from "../../lifecycle/errors/api-error.ts";
import { type BodyRefusal, channels } from "../../telemetry/channels.ts";

/** Returns the error, for the caller to throw. */
export function refuseBody(reason: BodyRefusal, error: ApiError): ApiError {
  channels.bodyRefused.publish({ reason });
  return error;
}
