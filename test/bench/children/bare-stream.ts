/** An HTTP server that only writes frames to every connected client, as fast as each takes them. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { sequenceEvents } from "../../../src/stream/log/event-log.ts";
import { encodeFrames } from "../../../src/stream/fan-out/frame.ts";
import { nowMs } from "../measurement.ts";
import { outputOf } from "../recording.ts";
import { answerQuestions } from "./answer.ts";

export type BareStreamQuestion = { kind: "listen" } | { kind: "write"; events: number };

export interface BareStreamReply {
  port: number;
  startedAtMs: number;
}

const clients = new Set<ServerResponse>();
const server = createServer((_request, response) => {
  clients.add(response);
  response.once("close", () => clients.delete(response));
  response.socket!.setNoDelay(true);
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(": hello\n\n");
});

answerQuestions(async (question: BareStreamQuestion): Promise<BareStreamReply> => {
  if (question.kind === "listen") {
    await once(server.listen(0, "127.0.0.1"), "listening");
    return { port: (server.address() as AddressInfo).port, startedAtMs: 0 };
  }
  const drafts = outputOf(question.events);
  const frames = sequenceEvents(0, drafts).map((data, sequenceNumber) => encodeFrames([{ sequenceNumber, data }]));
  const startedAtMs = nowMs();
  for (const frame of frames) await writeToAll(frame);
  for (const client of clients) client.end();
  return { port: 0, startedAtMs };
});

/** One turn of the event loop per frame: writes of one turn would be joined. */
async function writeToAll(frame: Buffer): Promise<void> {
  const full: Promise<unknown>[] = [];
  for (const client of clients) if (!client.write(frame)) full.push(once(client, "drain"));
  await Promise.all(full);
  await nextTurn();
}
