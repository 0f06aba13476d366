/**
 * The record of a response: whose it is, where it stands, and who may append to its log. What the response *says* is in
 * the log alone; the record holds only what must be checked in the same atomic step as an append.
 */
import { z } from "zod";
import { type ResolvedRequest, resolvedRequestSchema } from "../protocol/create-request.ts";
import type { StoredInputItem } from "../protocol/item.ts";
import type { List, PageQuery } from "../protocol/list.ts";
import { isTerminalStatus, type ResponseStatus, responseStatusSchema } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { type AcceptOutcome, acceptInFlightRecord, canAcceptInOneStep } from "./accept-record.ts";
import type { InFlightAddition, RetainedSize, ProjectLimits } from "./in-flight-responses.ts";
import { type EncodedRecord, encodeRecord } from "./encoded-record.ts";
import { readInputItem, readInputPage } from "./input-pages.ts";
import { parseInSlices } from "../concurrency/parse-in-slices.ts";
import { writeRecord } from "./write-record.ts";

const flag = z.enum(["0", "1"]).transform((value) => value === "1");

const recordSchema = z.object({
  project: z.string(),
  status: responseStatusSchema,
  /** Sequence number of the last event in the log. */
  last: z.coerce.number().int(),
  /** With replicas configured: the last event that enough of them have. Absent otherwise. */
  durable: z.coerce.number().int().optional(),
  /** How often a worker has begun it. A hand-over gives its attempt back. */
  attempts: z.coerce.number().int(),
  /** Of these, how many nothing but the response explains (src/stream/log/lease.ts). */
  charged: z.coerce.number().int().default(0),
  /** How often its worker was lost, in a row without progress, and at all, since it has outlived a run. */
  stalls: z.coerce.number().int().default(0),
  losses: z.coerce.number().int().default(0),
  /** The last event when the lease was taken. */
  leasedLast: z.coerce.number().int().default(0),
  lease: z.string().default(""),
  /** Who took the lease last. */
  worker: z.string().default(""),
  /** How often it went back to the queue to wait for its provider. */
  waits: z.coerce.number().int().default(0),
  /** Set once somebody other than a worker has begun to end it: no worker may begin it any more. */
  ending: z.enum(["", "cancel", "fail"]),
  background: flag,
  /** Whether GET may show it: a foreground response with `store: false` is nobody's to read again. */
  readable: flag,
  /** Whether it may be continued with `previous_response_id`: `store` was not false. */
  stored: flag,
  /** BullMQ priority inside its queue (src/queue/queue-class.ts). */
  priority: z.coerce.number().int(),
  /** From when on one with a completion window, or of the flex tier, waits as one of the default tier; 0 of any other. */
  latestStartMs: z.coerce.number().default(0),
  /** Names the background responses of its project that it is related to, or ''. */
  continuationId: z.string().default(""),
  createdAtMs: z.coerce.number(),
  deadlineMs: z.coerce.number(),
  /** How long its keys live after the terminal event, in seconds. */
  retentionSeconds: z.coerce.number().int(),
  deleted: flag,
  idempotencyHash: z.string(),
  /** The conversation that it belongs to, or ''. */
  conversationId: z.string().default(""),
  /** What it takes so far: request, input, log and journal. A response from before there was a count has what came since. */
  bytes: z.coerce.number().default(0),
});
export type ResponseRecord = z.infer<typeof recordSchema>;

export type LogProgress = Pick<ResponseRecord, "status" | "last" | "durable">;

/** Whether it has ended and readers are not shown the end yet. Only where replicas are required. */
export function isEndHidden({ status, last, durable = last }: LogProgress): boolean {
  return isTerminalStatus(status) && durable < last;
}

export interface NewRecord {
  id: string;
  project: string;
  status: "queued" | "in_progress";
  background: boolean;
  readable: boolean;
  stored: boolean;
  priority: number;
  latestStartMs: number;
  continuationId: string;
  createdAtMs: number;
  deadlineMs: number;
  retentionSeconds: number;
  idempotencyHash: string;
  conversationId: string;
  /** Where replicas are required: how far the log may be shown. */
  durable?: number | undefined;
  request: StoredRequest;
  input: StoredInputItem[];
  /** The opening events, encoded, from sequence number 0. */
  events: string[];
}

/**
 * The request as the worker needs it. `ancestors` are the nearest links of the chain behind it
 * (response-chain.ts). A response whose purpose is `compact` answers nothing: its run compacts the context, for a
 * `compaction_trigger` or for `POST /responses/compact`.
 */
const storedRequestSchema = z.object({
  request: z.strictObject({
    ...resolvedRequestSchema.shape,
    /** Checked when they were accepted. Their secrets are sealed since, and longer than a request's may be. */
    tools: z.custom<NonNullable<ResolvedRequest["tools"]>>(Array.isArray).nullish(),
  }),
  ancestors: z.array(z.string()),
  purpose: z.literal("compact").exactOptional(),
});
export type StoredRequest = z.infer<typeof storedRequestSchema>;

/*
 * KEYS  meta, events, snapshot, request, input, calls, index of the input
 * ARGV  seconds for which the log stays readable to streams that are open; 0 erases at once; '1' if only a response that
 *       was never shown is to be erased
 * The record becomes a tombstone: every verb answers 404 from here on. Returns 0 if it was shown, and stays.
 */
const eraseRecordScript = defineScript<0 | 1>(
  "eraseResponseRecord",
  7,
  `
  if redis.call('EXISTS', KEYS[1]) == 0 then return 1 end
  if ARGV[2] == '1' and redis.call('HGET', KEYS[1], 'durable') ~= '-1' then return 0 end
  redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7])
  if ARGV[1] == '0' then
    redis.call('UNLINK', KEYS[1], KEYS[2])
    return 1
  end
  redis.call('HSET', KEYS[1], 'deleted', '1')
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  redis.call('EXPIRE', KEYS[2], ARGV[1])
  return 1
`,
  { runsWhenFull: true },
);

/** What a response belongs to; '' is nothing. */
export interface Memberships {
  /** Undefined if the response is gone. */
  project: string | undefined;
  conversationId: string;
  continuationId: string;
  isWindowed: boolean;
  /** Of one that has ended and is not deleted: what is kept of it, and until when. */
  kept: RetainedSize | undefined;
}

export class ResponseRecords {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;

  /** `logRedis` is the connection whose writes wait for replicas where there are some: it carries the opening events. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
  }

  /** Writes the record and the opening events in one step. False if the id was there already. */
  async create(record: NewRecord): Promise<boolean> {
    return await this.writeEncoded(await encodeRecord(record));
  }

  /** The same, of a record that is encoded already. */
  async writeEncoded(record: EncodedRecord): Promise<boolean> {
    return await writeRecord(this.#logRedis, this.#layout, record);
  }

  /** Whether `acceptInOneStep` can take the record. */
  canAcceptInOneStep(record: EncodedRecord): boolean {
    return canAcceptInOneStep(this.#layout, record);
  }

  /** Lets the response enter the set of open ones as well, in the same step. Only of what `canAcceptInOneStep`. */
  async acceptInOneStep(
    record: EncodedRecord,
    addition: InFlightAddition,
    limits: ProjectLimits,
  ): Promise<AcceptOutcome> {
    return await acceptInFlightRecord(this.#logRedis, this.#layout, record, addition, limits);
  }

  /** The record, or undefined if there is none or it was deleted. */
  async read(id: string): Promise<ResponseRecord | undefined> {
    const record = await this.readIncludingDeleted(id);
    return record?.deleted === true ? undefined : record;
  }

  /** For open streams and the sweeper, who must still see the end of a deleted response. */
  async readIncludingDeleted(id: string): Promise<ResponseRecord | undefined> {
    const fields = await this.#redis.hgetall(this.#layout.meta(id));
    return Object.keys(fields).length === 0 ? undefined : recordSchema.parse(fields);
  }

  /** The record if `project` owns it. Another project's id is an unknown id (contract.md#ownership). */
  async readOwned(id: string, project: string): Promise<ResponseRecord | undefined> {
    const record = await this.read(id);
    return record?.project === project ? record : undefined;
  }

  async readMemberships(id: string): Promise<Memberships> {
    const [project, conversationId, continuationId, latestStartMs, deleted, bytes, expiresAtMs] =
      await this.#redis.hmget(
        this.#layout.meta(id),
        "project",
        "conversationId",
        "continuationId",
        "latestStartMs",
        "deleted",
        "bytes",
        "expiresAtMs",
      );
    return {
      project: project ?? undefined,
      conversationId: conversationId ?? "",
      continuationId: continuationId ?? "",
      isWindowed: Number(latestStartMs ?? 0) > 0,
      kept:
        deleted === "0" && expiresAtMs != null
          ? { bytes: Number(bytes ?? 0), expiresAtMs: Number(expiresAtMs) }
          : undefined,
    };
  }

  /** Undefined of one that is gone. */
  async readStatus(id: string): Promise<ResponseStatus | undefined> {
    const status = await this.#redis.hget(this.#layout.meta(id), "status");
    return status === null ? undefined : responseStatusSchema.parse(status);
  }

  /** How far its log goes and may be shown. Undefined of one that is gone. */
  async readProgress(id: string): Promise<LogProgress | undefined> {
    const [status, last, durable] = await this.#redis.hmget(this.#layout.meta(id), "status", "last", "durable");
    if (status == null) return undefined;
    return {
      status: responseStatusSchema.parse(status),
      last: Number(last),
      durable: durable ? Number(durable) : undefined,
    };
  }

  async readRequest(id: string): Promise<StoredRequest | undefined> {
    const json = await this.#redis.get(this.#layout.request(id));
    return json === null ? undefined : storedRequestSchema.parse(await parseInSlices(json));
  }

  /** Input items were validated when they were accepted; they are not checked again on every page. */
  async readInput(id: string): Promise<StoredInputItem[] | undefined> {
    const json = await this.#redis.get(this.#layout.input(id));
    return json === null ? undefined : await parseInSlices<StoredInputItem[]>(json);
  }

  /** One page of it, at the cost of what it shows. Undefined if `query.after` names nothing in it. */
  async readInputPage(id: string, query: PageQuery): Promise<List<StoredInputItem> | undefined | "gone"> {
    return await readInputPage(this.#redis, this.#layout.input(id), this.#layout.inputIndex(id), query);
  }

  /** One item of it, as JSON, at the cost of the item. */
  async readInputItem(id: string, itemId: string): Promise<string | undefined> {
    return await readInputItem(this.#redis, this.#layout.input(id), this.#layout.inputIndex(id), itemId);
  }

  async erase(id: string, logReadableSeconds: number): Promise<void> {
    await eraseRecordScript(this.#redis, this.#layout.keysOf(id), logReadableSeconds, "");
  }

  /** Erases a response that no replica has, unless somebody was shown it meanwhile: then it stays, and this is false. */
  async eraseUnpublished(id: string): Promise<boolean> {
    return (await eraseRecordScript(this.#redis, this.#layout.keysOf(id), 0, "1")) === 1;
  }
}
