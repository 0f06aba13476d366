/** Starts a run. */
import { createParser } from "eventsource-parser";
import type { Response as RunResponse } from "../../../protocol/response.ts";
import { request, send } from "../api/requests.ts";

/** Resolves with the id of the response. */
export async function startRun(body: Record<string, unknown>): Promise<string> {
  if (body["background"] === true) return (await request<RunResponse>("POST", "responses", { body })).id;
  return await startForeground(body);
}

/**
 * A foreground run is cancelled when its client leaves, so this tab keeps its stream open to the end, on whichever page
 * its user is.
 */
async function startForeground(body: Record<string, unknown>): Promise<string> {
  const answer = await send("POST", "responses", { body: { ...body, stream: true } });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event !== "response.created") return;
      const created: { response: RunResponse } = JSON.parse(data);
      resolve(created.response.id);
    },
  });
  const readToEnd = async (): Promise<void> => {
    let isStarted = false;
    void promise.then(() => (isStarted = true));
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (!isStarted) parser.feed(part.value);
    }
    reject(new Error("The server ended the stream before it had begun."));
  };
  readToEnd().catch(reject);
  return await promise;
}
