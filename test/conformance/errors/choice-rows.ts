/**
 * Errors where this server made a choice, because the hosted API's behavior is unpublished or unsuitable
 * (contract.md#sources, "Our choice").
 */
import type { Choice } from "./rows.ts";

const WHOLE_STREAM = { status: 200, body: { first: "response.created", last: "response.completed" } };

export const CHOICE_ROWS: Record<string, Choice> = {
  "background + store:false": {
    ask: (server) => server.post({ background: true, store: false }),
    status: 200,
    body: { status: "queued", background: true, store: false },
  },
  "continuation_id or soonest without background": {
    ask: (server) => server.post({ background_options: { completion_window: "soonest", continuation_id: "c" } }),
    status: 200,
    body: { status: "completed", background: false },
  },
  "stream_options without stream": {
    ask: (server) => server.post({ background: true, stream_options: { include_obfuscation: true } }),
    status: 200,
    body: { status: "queued" },
  },
  "GET ?stream on non-background": {
    ask: async (server) => await server.stream(await server.ended("completed", { background: false })),
    ...WHOLE_STREAM,
  },
  "GET ?stream, background, stream=false at create": {
    ask: async (server) => await server.stream(await server.ended("completed")),
    ...WHOLE_STREAM,
  },
  "GET ?stream, older than 5 min": {
    ask: async (server) => await server.stream(await server.anHourOld()),
    ...WHOLE_STREAM,
  },
  // After the last of nine events nothing is left, and the stream ends at once.
  "starting_after the last event": {
    ask: async (server) => await server.stream(await server.ended("completed"), "&starting_after=9"),
    status: 200,
    body: { first: undefined, last: undefined },
  },
  "GET in-flight non-background": {
    ask: async (server) => await server.send("GET", `/responses/${await server.running({ background: false })}`),
    status: 200,
    body: { status: "in_progress", background: false },
  },
  "cancel cancelled": {
    ask: async (server) => {
      const id = await server.running();
      await server.cancel(id);
      return await server.cancel(id);
    },
    status: 200,
    body: { status: "cancelled", error: null, usage: null },
  },
  "delete in-flight": {
    ask: async (server) => await server.send("DELETE", `/responses/${await server.running()}`),
    status: 200,
    body: { object: "response", deleted: true },
  },
  "delete ok": {
    ask: async (server) => await server.send("DELETE", `/responses/${await server.ended("completed")}`),
    status: 200,
    body: { object: "response", deleted: true },
  },
  // The provider's rejection: the request was accepted, so the response fails.
  quota: {
    ask: (server) => server.post({ model: "bank/broke" }),
    status: 200,
    body: { status: "failed", error: { code: "insufficient_quota", message: "You exceeded your current quota." } },
  },
};
