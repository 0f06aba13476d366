/** The event types of the published union, by whether this server sends them. */
import { ROWS } from "../table/rows.ts";

/** No item leads to audio; and an `error` would make official clients throw before they see how the response ended. */
export const NEVER_SENT = [
  "error",
  "response.audio.delta",
  "response.audio.done",
  "response.audio.transcript.delta",
  "response.audio.transcript.done",
];
export const SENT = ROWS.event.filter((type) => !NEVER_SENT.includes(type));

export interface Typed {
  type: string;
}

export const ofType = <E extends Typed>(events: readonly E[], type: string): E[] =>
  events.filter((event) => event.type === type);
