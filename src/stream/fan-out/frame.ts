/** Server-sent event frames (contract.md#frames): `id`, `event`, `data`, whole frames only. */
import { createHash } from "node:crypto";
import { type LoggedEvent, eventTypeOf } from "../log/event-log-reader.ts";

export type FrameEncoder = (events: readonly LoggedEvent[]) => Buffer;

/**
 * A comment without a blank line (contract.md#heartbeats), so that it becomes the first line of the next frame. A blank
 * line makes some decoders dispatch: the official Python client keeps the last id and would parse empty data.
 */
export const HEARTBEAT = Buffer.from(": keep-alive\n");

export const encodeFrames: FrameEncoder = (events) => {
  let text = "";
  for (const { sequenceNumber, data } of events) {
    text += `id: ${sequenceNumber}\nevent: ${eventTypeOf(data)}\ndata: ${data}\n\n`;
  }
  return Buffer.from(text);
};

const PADDING_BLOCK = 64;

/**
 * Pads every delta so that its length does not reveal its text (contract.md#obfuscation). The padding derives from the
 * response's id and the sequence number, so a resumed stream has the same bytes as an uninterrupted one.
 */
export function createObfuscatingEncoder(responseId: string): FrameEncoder {
  return (events) => encodeFrames(events.map((event) => padDelta(responseId, event)));
}

function padDelta(responseId: string, event: LoggedEvent): LoggedEvent {
  if (!eventTypeOf(event.data).endsWith(".delta")) return event;
  const noise = createHash("sha256").update(`${responseId}:${event.sequenceNumber}`).digest("base64url");
  const length = PADDING_BLOCK - (event.data.length % PADDING_BLOCK);
  const obfuscation = noise.repeat(2).slice(0, length);
  return { ...event, data: `${event.data.slice(0, -1)},"obfuscation":${JSON.stringify(obfuscation)}}` };
}
