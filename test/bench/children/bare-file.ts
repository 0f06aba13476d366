/** An HTTP server that streams a body into a file, and the file into answers: what any server of files does at least. */
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { answerQuestions } from "./answer.ts";

export interface BareFileQuestion {
  folder: string;
}

export interface BareFileReply {
  port: number;
}

answerQuestions(async ({ folder }: BareFileQuestion): Promise<BareFileReply> => {
  const path = join(folder, "bare");
  const server = createServer((request, response) => {
    void (async () => {
      if (request.method === "GET")
        return await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), response);
      await pipeline(request, createWriteStream(path));
      const file = await open(path, "r+");
      await file.sync();
      await file.close();
      response.end("{}");
    })();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { port: (server.address() as AddressInfo).port };
});
