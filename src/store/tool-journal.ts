/**
 * What a response's tool calls were and what came of them: one hash beside its log. The log shows a call as its client
 * may see it; the journal keeps what the model was shown of it, and which calls were begun. A run that goes on after a
 * crash reads here which calls of the turn that was cut off are done, which were begun, and which were not; and, where the
 * provider runs the turn in its own background, where to go on reading it.
 *
 * Every write names the lease, and is refused in the same atomic step once somebody else has it.
 */
import { z } from "zod";
import type { ItemEventDraft } from "../protocol/event.ts";
import { inputFunctionCallOutputSchema } from "../protocol/items/function.ts";
import { usageSchema } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** What the model is shown of a call that is over. */
const toolResultSchema = z.object({
  /** As a `function_call_output` has it: text, or content parts. */
  output: inputFunctionCallOutputSchema.shape.output,
  isError: z.boolean(),
  /** What only the tool understands, to show the call in the log. */
  details: z.unknown(),
});
export type ToolResult = z.infer<typeof toolResultSchema>;

/** A call as the model asked for it. */
const toolCallSchema = z.object({
  callId: z.string(),
  /** By which the model's provider knows it: some want to see their own again. */
  providerCallId: z.string().optional(),
  /** The function's name, as the model knows it. */
  name: z.string(),
  /** JSON, as the model wrote it. */
  arguments: z.string(),
  /** The approval that this call was given, if it needed one. */
  approvalRequestId: z.string().optional(),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

/**
 * A turn of the model that called tools, in the order of its items: the calls, and the items that had to wait for a call
 * before them to be over. `itemIds` are the ids under which a call or an item was begun in the log, the last one last.
 */
/** Checked when they were made, by the upstream that yielded them. */
const eventsSchema = z.custom<ItemEventDraft[]>(Array.isArray);

const segmentSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("call"), call: toolCallSchema, itemIds: z.array(z.string()) }),
  z.object({ kind: z.literal("item"), events: eventsSchema, itemIds: z.array(z.string()) }),
]);
export type TurnSegment = z.infer<typeof segmentSchema>;

const turnSchema = z.object({ usage: usageSchema.nullable(), segments: z.array(segmentSchema) });
export type RecordedTurn = z.infer<typeof turnSchema>;

/**
 * A response that the provider runs by itself for one turn, and the provider's number of the event up to which all of it is
 * in our log. `round` is how many were lost in this turn before it.
 */
const remoteRunSchema = z.object({
  provider: z.string(),
  id: z.string(),
  cursor: z.int(),
  round: z.int(),
  isLost: z.boolean(),
});
export type RecordedRemoteRun = z.infer<typeof remoteRunSchema>;

export interface ToolJournal {
  /** By their places, in order. A Redis that came back from an older file may have lost some. */
  turns: ReadonlyMap<number, RecordedTurn>;
  /** By the place of their turn. */
  remoteRuns: ReadonlyMap<number, RecordedRemoteRun>;
  /** By call id. */
  startedCallIds: ReadonlySet<string>;
  results: ReadonlyMap<string, ToolResult>;
}

/*
 * KEYS  meta, calls
 * ARGV  lease, field, value
 * Returns 1 if written, 0 if the lease is somebody else's or the response is over.
 */
const writeScript = defineScript<0 | 1>(
  "writeToolJournal",
  2,
  `
  local meta = redis.call('HMGET', KEYS[1], 'lease', 'status')
  if meta[1] ~= ARGV[1] then return 0 end
  if meta[2] ~= 'queued' and meta[2] ~= 'in_progress' then return 0 end
  redis.call('HINCRBY', KEYS[1], 'bytes', #ARGV[3] - redis.call('HSTRLEN', KEYS[2], ARGV[2]))
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
  return 1
`,
);

export class ToolJournals {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;

  /** `logRedis` is the connection whose writes wait for replicas where there are some. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
  }

  /** False if the lease is not the current one. Safe to send again: so are those below. */
  async writeTurn(id: string, lease: string, turnIndex: number, turn: RecordedTurn): Promise<boolean> {
    return await this.#write(id, lease, `turn:${turnIndex}`, turn);
  }

  async writeCallStart(id: string, lease: string, callId: string): Promise<boolean> {
    return await this.#write(id, lease, `start:${callId}`, 1);
  }

  async writeCallResult(id: string, lease: string, callId: string, result: ToolResult): Promise<boolean> {
    return await this.#write(id, lease, `result:${callId}`, result);
  }

  async writeRemoteRun(id: string, lease: string, turnIndex: number, remoteRun: RecordedRemoteRun): Promise<boolean> {
    return await this.#write(id, lease, `attachment:${turnIndex}`, remoteRun);
  }

  async read(id: string): Promise<ToolJournal> {
    const fields = Object.entries(await this.#redis.hgetall(this.#layout.calls(id)));
    const parsed = <T>(prefix: string, schema: z.ZodType<T>): [string, T][] =>
      fields
        .filter(([field]) => field.startsWith(prefix))
        .map(([field, json]) => [field.slice(prefix.length), schema.parse(JSON.parse(json))]);
    const byIndex = <T>(prefix: string, schema: z.ZodType<T>): Map<number, T> =>
      new Map(
        parsed(prefix, schema)
          .map(([place, each]): [number, T] => [Number(place), each])
          .sort(([a], [b]) => a - b),
      );
    return {
      turns: byIndex("turn:", turnSchema),
      remoteRuns: byIndex("attachment:", remoteRunSchema),
      startedCallIds: new Set(parsed("start:", z.unknown()).map(([callId]) => callId)),
      results: new Map(parsed("result:", toolResultSchema)),
    };
  }

  async #write(id: string, lease: string, field: string, value: unknown): Promise<boolean> {
    const { meta, calls } = this.#layout;
    return (await writeScript(this.#logRedis, meta(id), calls(id), lease, field, JSON.stringify(value))) === 1;
  }
}
