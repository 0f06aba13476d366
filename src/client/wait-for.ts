/** Polls a response until it has ended. */
import { checkId } from "./check-id.ts";
import type { ResponseOf, ResponsesClient } from "./client.ts";
import { readCurrent } from "./read-current.ts";
import { delay, Retries, type RetryOptions } from "./retries.ts";

export interface WaitOptions extends RetryOptions {
  /** Stops waiting; the response runs on. */
  signal?: AbortSignal | undefined;
  /** Interval between polls. By default the one that the server suggests (`openai-poll-after-ms`), or two seconds. */
  pollIntervalMs?: number;
  /** Timeout of each poll. One minute by default. */
  connectTimeoutMs?: number;
}

const POLL_INTERVAL_MS = 2_000;
const CONNECT_TIMEOUT_MS = 60_000;

/**
 * Resolves with the response once it is `completed`, `incomplete`, `failed` or `cancelled`. Needs no cursor: a process that
 * was restarted calls it again. Retries and throws as `follow` does.
 */
export async function waitFor<Client extends ResponsesClient>(
  client: Client,
  id: string,
  options: WaitOptions = {},
): Promise<ResponseOf<Client>> {
  checkId(id);
  const { signal = new AbortController().signal, connectTimeoutMs = CONNECT_TIMEOUT_MS, pollIntervalMs } = options;
  const retries = new Retries(options);
  for (;;) {
    signal.throwIfAborted();
    try {
      const current = await readCurrent(client, id, { signal, timeoutMs: connectTimeoutMs });
      if (current.hasEnded) return current.response as ResponseOf<Client>;
      retries.succeed();
      await delay(pollIntervalMs ?? current.pollAfterMs ?? POLL_INTERVAL_MS, signal);
    } catch (error) {
      await retries.waitAfter(error, signal);
    }
  }
}
