/** One poll of a response. */
import type { ResponsesClient } from "./client.ts";
import { ConnectionLostError } from "./errors.ts";
import { hasEnded, isReceivedResponse, type ReceivedResponse, withOutputText } from "./json.ts";
import { RequestSignal } from "./request-signal.ts";

export interface CurrentResponse {
  response: ReceivedResponse;
  hasEnded: boolean;
  /** Delay that the server suggests until the next poll. */
  pollAfterMs: number | undefined;
}

export interface PollOptions {
  signal: AbortSignal;
  /** Timeout of the whole answer. */
  timeoutMs: number;
}

export async function readCurrent(
  client: ResponsesClient,
  id: string,
  { signal, timeoutMs }: PollOptions,
): Promise<CurrentResponse> {
  const request = new RequestSignal(signal, timeoutMs);
  const options = { signal: request.signal, maxRetries: 0, timeout: timeoutMs };
  let answer: Response;
  let response: unknown;
  try {
    answer = await client.responses.retrieve(id, {}, options).asResponse();
    response = await readJson(answer);
  } catch (error) {
    signal.throwIfAborted();
    if (request.isOverdue) throw new ConnectionLostError(`No answer within ${timeoutMs / 1000} s.`, { cause: error });
    throw error;
  } finally {
    request.close();
  }
  if (!isReceivedResponse(response)) throw new ConnectionLostError("The answer is not a response.");
  const pollAfterMs = Number(answer.headers.get("openai-poll-after-ms") ?? Number.NaN);
  return {
    response: withOutputText(response),
    hasEnded: hasEnded(response),
    pollAfterMs: pollAfterMs > 0 ? pollAfterMs : undefined,
  };
}

/** A broken connection is a failed read or half of the JSON. */
async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    throw new ConnectionLostError("The connection broke, or brought no JSON.", { cause: error });
  }
}
