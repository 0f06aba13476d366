/** A collector of traces that accepts everything and keeps nothing. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answerQuestions } from "./answer.ts";
import type { ListeningReply } from "./bare-queue.ts";

answerQuestions(async (): Promise<ListeningReply> => {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(200).end());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { port: (server.address() as AddressInfo).port };
});
