/** Responses whose log a measurement writes itself. */
import { pino } from "pino";
import { applyEvent, type ResponseState } from "../../src/lifecycle/apply-event.ts";
import { createCompletedEvent, createInProgressEvent } from "../../src/lifecycle/lifecycle-events.ts";
import type { EventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";
import { ResponseQueue } from "../../src/queue/response-queue.ts";
import { connect } from "../../src/redis/connect.ts";
import { RedisLayout } from "../../src/redis/layout.ts";
import { RedisClock } from "../../src/redis/redis-clock.ts";
import type { RedisClient } from "../../src/redis/script.ts";
import { openSealer } from "../../src/sealing/open-sealer.ts";
import { openStorage, type ResponseContext, type Storage } from "../../src/responses/storage.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";
import { ACCOUNTING, IDLE_SECONDS, openTestWebhooks } from "../support/storage.ts";
import { messageEvents, openingState, sampleRecord, sampleResponse } from "../support/samples.ts";

const logger = pino({ level: "silent" });

export async function connectTo(redisUrl: string): Promise<RedisClient> {
  return await connect({ url: redisUrl, cluster: false }, "patient", "bench", logger);
}

export interface BenchStorage extends Storage, ResponseContext, AsyncDisposable {
  readonly redis: RedisClient;
  readonly layout: RedisLayout;
}

/** The storage of a worker process. */
export async function openBenchStorage(redisUrl: string, prefix: string): Promise<BenchStorage> {
  const redis = await connectTo(redisUrl);
  const layout = new RedisLayout(prefix, { sharded: false });
  const queue = new ResponseQueue(redis, layout.queuePrefix, logger);
  const sealer = await openSealer(redis, layout, [], logger);
  const clock = await RedisClock.start(redis, layout.inFlight, logger);
  const webhooks = openTestWebhooks(redis, layout);
  const storage = openStorage({
    ...IDLE_SECONDS,
    accounting: ACCOUNTING,
    webhooks,
    redis,
    logRedis: redis,
    layout,
    queue,
    clock,
    sealer,
    minReplicasAcked: 0,
  });
  return {
    ...storage,
    storage,
    queue,
    logger,
    redis,
    layout,
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await Promise.all([queue.close(), webhooks.queue.close()]);
      redis.disconnect();
    },
  };
}

export interface Recording {
  id: string;
  lease: string;
  last: number;
  state: ResponseState;
}

/** A response in Redis and its lease, as a worker has them. */
export async function beginRecording(storage: Storage): Promise<Recording> {
  const response = sampleResponse();
  const record = sampleRecord({ id: response.id, deadlineMs: Date.now() + 3_600_000, retentionSeconds: 3_600 });
  await storage.records.create(record);
  const acquired = await storage.leases.acquire(response.id, Date.now(), 1, "bench");
  if (acquired.kind !== "held") throw new Error(`The lease is ${acquired.kind}.`);
  return { id: response.id, lease: acquired.lease, last: acquired.last, state: openingState(response) };
}

/** Item events of one message, `count` in all, most of them deltas of a word: about 190 bytes each. */
export function outputOf(count: number): EventDraft[] {
  const around = messageEvents(0, []).length;
  return messageEvents(
    0,
    Array.from({ length: count - around }, (_, i) => WORDS[i % WORDS.length]!),
  );
}

const WORDS = ["A ", "durable ", "log ", "keeps ", "what ", "was ", "said, ", "word ", "for ", "word. "];

/** The rest of a response with `drafts`, encoded, with its terminal event. */
export function encodeToTheEnd({ last, state }: Recording, drafts: readonly EventDraft[]): string[] {
  const { response } = drafts.reduce<ResponseState>(applyEvent, state);
  return sequenceEvents(last + 1, [...drafts, endingOf(response, drafts.length)]);
}

/** The events that complete a response without an in_progress event. */
export function endingOf(response: Response, tokens: number): EventDraft {
  const usage = {
    input_tokens: 1,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: tokens + 1,
  };
  const output: OutputItem[] = response.output;
  const begun = createInProgressEvent(response).response;
  return createCompletedEvent(begun, { output, usage }, Math.floor(Date.now() / 1000));
}
