/**
 * An Express handler that only adds a job. With `works`, it answers when a worker in this process has begun the job.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Queue, Worker } from "bullmq";
import express, { type RequestHandler } from "express";
import { Redis } from "ioredis";
import { answerQuestions } from "./answer.ts";

interface BareQueueQuestion {
  redisUrl: string;
  works: boolean;
}

export interface ListeningReply {
  port: number;
}

answerQuestions(async ({ redisUrl, works }: BareQueueQuestion): Promise<ListeningReply> => {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue("bare", { connection });
  const app = express();
  app.use(express.json());
  app.post("/v1/responses", works ? await startWorking(queue, connection) : addOnly(queue));
  const server = createServer(app);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { port: (server.address() as AddressInfo).port };
});

function addOnly(queue: Queue): RequestHandler {
  return async (request, response) => {
    const job = await queue.add("response", request.body);
    response.json({ id: job.id });
  };
}

async function startWorking(queue: Queue, connection: Redis): Promise<RequestHandler> {
  const waiting = new Map<string, () => void>();
  let count = 0;
  const begin = async (id: string): Promise<void> => waiting.get(id)?.();
  const worker = new Worker("bare", (job) => begin(job.id!), { connection, concurrency: 50 });
  await worker.waitUntilReady();
  return async (request, response) => {
    count += 1;
    const jobId = `job-${count}`;
    waiting.set(jobId, () => {
      waiting.delete(jobId);
      response.json({ id: jobId });
    });
    await queue.add("response", request.body, { jobId, removeOnComplete: true });
  };
}
