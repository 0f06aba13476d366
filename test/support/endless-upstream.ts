/** A provider of the Responses API that never stops by itself, for tests of closed connections. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface UpstreamRequest {
  /** Resolves when the other side has closed the connection. */
  closed: Promise<unknown>;
}

export interface EndlessUpstream extends AsyncDisposable {
  url: string;
  nextRequest(): Promise<UpstreamRequest>;
}

const DELTA_INTERVAL_MS = 10;

export async function startEndlessUpstream(): Promise<EndlessUpstream> {
  const requests: UpstreamRequest[] = [];
  let arrived = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    let sequence_number = 0;
    const send = (event: { type: string; [field: string]: unknown }): void => {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`);
      sequence_number += 1;
    };
    response.writeHead(200, { "content-type": "text/event-stream" });
    const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
    send({
      type: "response.created",
      response: { id: "resp_upstream", object: "response", status: "in_progress", output: [] },
    });
    const item = { id: "msg_1", type: "message", role: "assistant", status: "in_progress", content: [] };
    send({ type: "response.output_item.added", output_index: 0, item });
    send({
      type: "response.content_part.added",
      ...at,
      part: { type: "output_text", text: "", annotations: [], logprobs: [] },
    });
    const timer = setInterval(() => {
      // The model `silent` begins an item, then sends nothing.
      if (body.includes('"silent"')) return;
      send({ type: "response.output_text.delta", ...at, delta: "on and ", logprobs: [] });
    }, DELTA_INTERVAL_MS);
    const closed = once(response, "close");
    void closed.then(() => clearInterval(timer));
    requests.push({ closed });
    arrived.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async nextRequest() {
      while (requests.length === 0) {
        await arrived.promise;
        arrived = Promise.withResolvers();
      }
      return requests.shift()!;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
