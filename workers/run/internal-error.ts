/**
 * Decides whether an error that ended an attempt is a bug of this program. Another attempt would hit the same bug, and pay
 * the provider for the same call again, so the response fails at once.
 *
 * The rule is closed. Errors of Redis, the network and the machine are recognized below and retried. Any other error is a
 * bug: a TypeError, a failed assertion, a record that fails its schema. Provider errors are never thrown; they are a finish
 * (workers/upstreams/upstream.ts).
 */
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";

export const INTERNAL_ERROR = responseError("server_error", "The server had an error while generating the response.");

/** Error codes of Node.js and libuv for sockets, files and processes (`ECONNRESET`, `ENOSPC`), and of undici. */
const SYSTEM_ERROR_CODE = /^E[A-Z0-9]+$|^UND_ERR_/;
/** Error replies of Redis, and timeouts. */
const TRANSIENT_ERROR_NAMES: ReadonlySet<string> = new Set([
  "ReplyError",
  "AbortError",
  "TimeoutError",
  "ReplicasMissingError",
]);

export function isInternalError(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (TRANSIENT_ERROR_NAMES.has(current.name)) return false;
    if ("code" in current && typeof current.code === "string" && SYSTEM_ERROR_CODE.test(current.code)) return false;
  }
  return true;
}
