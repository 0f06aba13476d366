/** Reads, writes and erases response records. */
import { type RunFacts, runFactsSchema } from "../lifecycle/run-facts.ts";
import type { StoredInputItem } from "../protocol/item.ts";
import type { PageQuery } from "../protocol/list.ts";
import { isTerminalStatus, type ResponseStatus, responseStatusSchema } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { parseInSlices } from "../concurrency/parse-in-slices.ts";
import { type AcceptOutcome, acceptInFlightRecord, canAcceptInOneStep } from "./accept-record.ts";
import { type EncodedRecord, encodeRecord } from "./encoded-record.ts";
import type { InFlightAddition } from "./add-in-flight-script.ts";
import { type ListedRecord, readListedRecord } from "./listed-record.ts";
import type { ProjectLimits } from "./organization/project-limits.ts";
import { parseEnding, type RecordedEnding, writeEnding } from "./recorded-ending.ts";
import { type InputPage, readInputItem, readInputPage } from "./input-pages.ts";
import {
  type LogProgress,
  type Memberships,
  type NewRecord,
  recordSchema,
  type ResponseRecord,
  type StoredRequest,
  storedRequestSchema,
} from "./response-record.ts";
import { writeRecord } from "./write-record.ts";

/*
 * KEYS  meta, events, snapshot, request, input, calls, index of the input
 * ARGV  seconds that the log stays readable to open streams (0 erases at once); '1' to erase only an unpublished response
 * Until the log expires the record is a tombstone: every request for it answers 404. Returns 1 if erased, 0 if the response
 * has been published and stays.
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

/** Invalid fields must not prevent the end of a response. */
const runOutcomeSchema = runFactsSchema.extend(
  recordSchema.pick({
    status: true,
    background: true,
    createdAtMs: true,
    attempts: true,
    waits: true,
    traceparent: true,
    tracestate: true,
  }).shape,
);

/** The end of a background response. The script that recorded it computed the expiry from it. */
function endOf({ status = "", background, expiresAtMs, retentionSeconds }: Record<string, string>): Memberships["end"] {
  if (background !== "1" || expiresAtMs === undefined || !isTerminalStatus(status)) return undefined;
  return { status, endedAtMs: Number(expiresAtMs) - Number(retentionSeconds) * 1_000 };
}

export class ResponseRecords {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;

  /** `logRedis` writes the opening events: where replicas are required, its writes wait for them. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
  }

  /** Writes the record and the opening events in one step. False if the id exists already. */
  async create(record: NewRecord): Promise<boolean> {
    return await this.writeEncoded(await encodeRecord(record));
  }

  async writeEncoded(record: EncodedRecord): Promise<boolean> {
    return await writeRecord(this.#logRedis, this.#layout, record);
  }

  /** Whether `acceptInOneStep` can take the record. */
  canAcceptInOneStep(record: EncodedRecord): boolean {
    return canAcceptInOneStep(this.#layout, record);
  }

  /** Writes the record and adds the response to the in-flight set, in one step. Requires `canAcceptInOneStep`. */
  async acceptInOneStep(
    record: EncodedRecord,
    addition: InFlightAddition,
    limits: ProjectLimits,
  ): Promise<AcceptOutcome> {
    return await acceptInFlightRecord(this.#logRedis, this.#layout, record, addition, limits);
  }

  /** Undefined if the response does not exist or was deleted. */
  async read(id: string): Promise<ResponseRecord | undefined> {
    const record = await this.readIncludingDeleted(id);
    return record?.deleted === true ? undefined : record;
  }

  /** For open streams and the sweeper, which still need the end of a deleted response. */
  async readIncludingDeleted(id: string): Promise<ResponseRecord | undefined> {
    const fields = await this.#redis.hgetall(this.#layout.meta(id));
    return Object.keys(fields).length === 0 ? undefined : recordSchema.parse(fields);
  }

  /** The record, also of a deleted response, and what its run knows of itself. Undefined if it does not exist. */
  async readWithFacts(id: string): Promise<{ record: ResponseRecord; facts: RunFacts } | undefined> {
    const fields = await this.#redis.hgetall(this.#layout.meta(id));
    if (Object.keys(fields).length === 0) return undefined;
    return { record: recordSchema.parse(fields), facts: runFactsSchema.parse(fields) };
  }

  /** The record if `project` owns it. Another project's id is an unknown id (contract.md#ownership). */
  async readOwned(id: string, project: string): Promise<ResponseRecord | undefined> {
    const record = await this.read(id);
    return record?.project === project ? record : undefined;
  }

  async readMemberships(id: string): Promise<Memberships> {
    const fields = await this.#readWithExpiry(id);
    const { project, conversationId, continuationId, latestStartMs, status, deleted, bytes, expiresAtMs } = fields;
    return {
      project,
      conversationId: conversationId ?? "",
      continuationId: continuationId ?? "",
      isWindowed: Number(latestStartMs ?? 0) > 0,
      answers: fields["answers"] ?? "",
      retained:
        deleted === "0" && expiresAtMs !== undefined
          ? { bytes: Number(bytes ?? 0), expiresAtMs: Number(expiresAtMs), status: responseStatusSchema.parse(status) }
          : undefined,
      ending: parseEnding(fields["listedEnding"]),
      end: endOf(fields),
      run: runOutcomeSchema.safeParse(fields).data,
    };
  }

  /** A worker of the last release ends a response without noting its expiry, which only the key then has. */
  async #readWithExpiry(id: string): Promise<Record<string, string>> {
    const key = this.#layout.meta(id);
    const fields = await this.#redis.hgetall(key);
    const { status = "queued", expiresAtMs } = fields;
    if (expiresAtMs !== undefined || status === "queued" || status === "in_progress") return fields;
    const atMs = await this.#redis.pexpiretime(key);
    return atMs > 0 ? { ...fields, expiresAtMs: String(atMs) } : fields;
  }

  /** Undefined if readers see no such response. */
  async readListed(id: string): Promise<ListedRecord | undefined> {
    return await readListedRecord(this.#redis, this.#layout, id);
  }

  /** Keeps what the end of a response changed beside its status. Call after the terminal event. */
  async writeEnding(id: string, ending: RecordedEnding): Promise<void> {
    await writeEnding(this.#redis, this.#layout, id, ending);
  }

  /** Undefined if the response is gone. */
  async readStatus(id: string): Promise<ResponseStatus | undefined> {
    const status = await this.#redis.hget(this.#layout.meta(id), "status");
    return status === null ? undefined : responseStatusSchema.parse(status);
  }

  /** The end of the log, and how far readers may see it. Undefined if the response is gone. */
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

  /** Not validated again: admission validated the items. */
  async readInput(id: string): Promise<StoredInputItem[] | undefined> {
    const json = await this.#redis.get(this.#layout.input(id));
    return json === null ? undefined : await parseInSlices<StoredInputItem[]>(json);
  }

  /** One page of the input, read alone. */
  async readInputPage(id: string, query: PageQuery): Promise<InputPage> {
    return await readInputPage(this.#redis, this.#layout.input(id), this.#layout.inputIndex(id), query);
  }

  /** One input item as JSON, read alone. */
  async readInputItem(id: string, itemId: string): Promise<string | undefined> {
    return await readInputItem(this.#redis, this.#layout.input(id), this.#layout.inputIndex(id), itemId);
  }

  async erase(id: string, logReadableSeconds: number): Promise<void> {
    await eraseRecordScript(this.#redis, this.#layout.keysOf(id), logReadableSeconds, "");
  }

  /** Erases a response that was not published to readers. False if it was published meanwhile; then it stays. */
  async eraseUnpublished(id: string): Promise<boolean> {
    return (await eraseRecordScript(this.#redis, this.#layout.keysOf(id), 0, "1")) === 1;
  }
}
