/**
 * The journal of a response: its turns and tool calls, in one hash beside the log. The log shows a call as the client may
 * see it; the journal holds the result as the model saw it, and which calls have started. After a crash, the next worker
 * reads here which calls of the interrupted turn have a result, which have started, and which have not. For a remote run it
 * also reads the position from which to resume.
 *
 * Every write names the lease. The script that writes also checks it, and rejects a lease that is not current.
 */
import { z } from "zod";
import type { ItemEventDraft } from "../protocol/event.ts";
import { inputFunctionCallOutputSchema } from "../protocol/items/function.ts";
import { usageSchema } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** The result of a call, as the model sees it. */
const toolResultSchema = z.object({
  /** In the form of a `function_call_output`: text or content parts. */
  output: inputFunctionCallOutputSchema.shape.output,
  isError: z.boolean(),
  /** Private to the tool, which builds the call's log item from it. */
  details: z.unknown(),
});
export type ToolResult = z.infer<typeof toolResultSchema>;

/** A call that the model requested. */
const toolCallSchema = z.object({
  callId: z.string(),
  /** The provider's id of the call. Some providers require it in later requests. */
  providerCallId: z.string().optional(),
  /** The function's name for the model. */
  name: z.string(),
  /** JSON, exactly as the model wrote it. */
  arguments: z.string(),
  /** The approval that allowed the call, if it needed one. */
  approvalRequestId: z.string().optional(),
});
export type ToolCall = z.infer<typeof toolCallSchema>;

/** Not validated again: the upstream validated the events. */
const eventsSchema = z.custom<ItemEventDraft[]>(Array.isArray);

/**
 * A part of a turn that called tools, in the order of its items: a call, or an item that waits for an earlier call to
 * finish. `itemIds` are the ids under which the log has started it, oldest first.
 */
const segmentSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("call"), call: toolCallSchema, itemIds: z.array(z.string()) }),
  z.object({ kind: z.literal("item"), events: eventsSchema, itemIds: z.array(z.string()) }),
]);
export type TurnSegment = z.infer<typeof segmentSchema>;

const turnSchema = z.object({ usage: usageSchema.nullable(), segments: z.array(segmentSchema) });
export type RecordedTurn = z.infer<typeof turnSchema>;

/**
 * A remote run of one turn. `cursor` is the provider's number of the last event whose content is in our log. `round` counts
 * the remote runs of this turn that were lost before.
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
  /** By turn index, in order. Some may be missing after Redis restarted from an older file. */
  turns: ReadonlyMap<number, RecordedTurn>;
  /** By turn index. */
  remoteRuns: ReadonlyMap<number, RecordedRemoteRun>;
  startedCallIds: ReadonlySet<string>;
  /** By call id. */
  results: ReadonlyMap<string, ToolResult>;
}

/*
 * KEYS  meta, calls
 * ARGV  lease, field, value
 * Returns 1 if written, 0 if the lease is not current or the response has ended.
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

export class RunJournals {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;

  /** `logRedis` carries the writes: where replicas are required, its writes wait for them. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
  }

  /** False if the lease is not current. Every write of this class is safe to repeat. */
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
          .map(([index, entry]): [number, T] => [Number(index), entry])
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
