/** A provider whose models are named after their streams: `message+reasoning!incomplete`. */
import type { ServerResponse } from "node:http";
import { EVERY_KIND, eventsOf, type Kind } from "../../support/every-item.ts";
import { USAGE } from "../../support/samples.ts";
import {
  added,
  created,
  done,
  type Frame,
  startUpstreamServer,
  streamAndEnd,
  type UpstreamServer,
} from "../../support/upstream-server.ts";
import { SPARSE_ITEMS } from "./sparse-items.ts";

/** The end of a provider's stream. An `error` has no final response. */
export type Ending = "completed" | "incomplete" | "failed" | "error";

export function modelOf(kinds: readonly Kind[] = EVERY_KIND, ending: Ending = "completed"): string {
  return `openai/${kinds.join("+")}!${ending}`;
}

/** Streams `SPARSE_ITEMS`. */
export const SPARSE_MODEL = "openai/sparse!completed";
/** Streams an item of an unknown kind, with its own event. */
export const NEWER_MODEL = "openai/newer!completed";

const NEWER_ITEM = { type: "time_travel_call", id: "tt_1", year: 1885 };
const NEWER_ITEMS: Frame[] = [
  added(0, NEWER_ITEM),
  { type: "response.time_travel_call.departed", output_index: 0, item_id: "tt_1" },
  done(0, NEWER_ITEM),
];

export async function startEventProvider(): Promise<UpstreamServer> {
  const server = await startUpstreamServer((response) => answer(server, response));
  return server;
}

/** In the published union, and of no item. */
const AUDIO: Frame[] = [
  { type: "response.audio.delta", delta: "AA==" },
  { type: "response.audio.done" },
  { type: "response.audio.transcript.delta", delta: "Herons" },
  { type: "response.audio.transcript.done" },
];

function answer(server: UpstreamServer, response: ServerResponse): void {
  const [kinds, ending] = String(server.requests.at(-1)!.body["model"]).split("!") as [string, Ending];
  const special = { sparse: SPARSE_ITEMS, newer: NEWER_ITEMS }[kinds];
  const events: readonly Frame[] = special ?? eventsOf(kinds.split("+") as Kind[]);
  streamAndEnd(created(), ...events, ...AUDIO, endingOf(events, ending))(response);
}

const PROVIDER_ERROR = { code: "server_error", message: "It broke." };

function endingOf(events: readonly Frame[], ending: Ending): Frame {
  if (ending === "error") return { type: "error", error: { ...PROVIDER_ERROR, type: "server_error", param: null } };
  const output = events.flatMap((event) => (event.type === "response.output_item.done" ? [event["item"]] : []));
  const response = { id: "resp_1", status: ending, output, usage: USAGE };
  if (ending === "incomplete") Object.assign(response, { incomplete_details: { reason: "content_filter" } });
  if (ending === "failed") Object.assign(response, { error: PROVIDER_ERROR });
  return { type: `response.${ending}`, response };
}
