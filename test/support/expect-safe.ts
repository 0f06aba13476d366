/**
 * Asserts that a stream was safe to act on: programs that act on its events have the finished response's items after
 * any crash.
 */
import { expect } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { actOnStream, actOnFinalResponse, incompleteCalls } from "./acting-client.ts";
import type { ReceivedEvent } from "./subscriber.ts";

/** `received`: a whole stream, from its first event to its last. */
export function expectSafe(received: readonly ReceivedEvent[]): void {
  const log = received.map(({ data }) => data);
  const { response } = JSON.parse(log.at(-1)!) as { response: Response };
  expect(actOnStream(log)).toEqual(actOnFinalResponse(response));
  expect(incompleteCalls(log)).toBe(0);
}
