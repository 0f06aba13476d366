/**
 * Whether an error that ended an attempt is this program's own. Another attempt would meet it again, and pay the provider
 * for the same call once more, so the response is failed at once.
 *
 * The rule is closed: Redis, the network and the machine are retried by their marks below, and everything else is a fault
 * of the program (a TypeError, a failed assertion, a record that no schema takes). What a provider does is never thrown: it
 * is a finish (upstream.ts).
 */
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";

export const INTERNAL_ERROR = responseError("server_error", "The server had an error while generating the response.");

/** Node.js's and libuv's names of what a socket, a file or a process met (`ECONNRESET`, `ENOSPC`), and undici's. */
const SYSTEM_ERROR_CODE = /^E[A-Z0-9]+$|^UND_ERR_/;
/** Redis's answers, and waits that were given up. */
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
