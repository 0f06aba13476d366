/** The audit log: a bounded stream of what people and keys have changed. The oldest entries leave first. */
import { z } from "zod";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";

const FIELD = "d";
/** Entries per read. A filter may need many reads; each takes Redis about a millisecond. */
const READ_COUNT = 500;
const ID_PREFIX = "audit_log-";

const entrySchema = z.object({
  type: z.string(),
  /** Absent for what belongs to no project. */
  project: z.string().optional(),
  actor: z.object({
    type: z.enum(["admin", "project", "anonymous", "server"]),
    name: z.string(),
    keyId: z.string().optional(),
  }),
  clientAddress: z.string().optional(),
  requestId: z.string().optional(),
  /** The changed thing, as the published event of this type has it. */
  resource: z.looseObject({ id: z.string() }),
});
export type AuditEntry = z.infer<typeof entrySchema>;
/** `atMs`: Unix milliseconds of Redis's clock. */
export type StoredAuditEntry = AuditEntry & { id: string; atMs: number };

export interface AuditQuery {
  /** Newest first. */
  count: number;
  /** Entries before this one. */
  after: string | undefined;
  /** The nearest entries after this one. */
  before: string | undefined;
  fromMs: number | undefined;
  toMs: number | undefined;
  isWanted: (entry: AuditEntry) => boolean;
}

export class AuditLog {
  readonly #redis: RedisClient;
  readonly #key: string;
  readonly #maxEntries: number;

  constructor(redis: RedisClient, layout: RedisLayout, maxEntries: number) {
    this.#redis = redis;
    this.#key = layout.organization.audit;
    this.#maxEntries = maxEntries;
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.#redis.xadd(this.#key, "MAXLEN", "~", this.#maxEntries, "*", FIELD, JSON.stringify(entry));
  }

  /** Up to `count` wanted entries, newest first. */
  async list({ count, after, before, fromMs, toMs, isWanted }: AuditQuery): Promise<StoredAuditEntry[]> {
    const lowest = before === undefined ? String(fromMs ?? "-") : `(${toEntryId(before)}`;
    const highest = after === undefined ? String(toMs ?? "+") : `(${toEntryId(after)}`;
    const isReversed = before === undefined || after !== undefined;
    const found: StoredAuditEntry[] = [];
    let [start, end] = [lowest, highest];
    while (found.length < count) {
      const read = isReversed
        ? await this.#redis.xrevrange(this.#key, end, start, "COUNT", READ_COUNT)
        : await this.#redis.xrange(this.#key, start, end, "COUNT", READ_COUNT);
      for (const [id, fields] of read) {
        const entry = parseEntry(id, fields[1]);
        if (entry !== undefined && isWanted(entry) && found.length < count) found.push(entry);
      }
      if (read.length < READ_COUNT) break;
      const next = `(${read.at(-1)![0]}`;
      if (isReversed) end = next;
      else start = next;
    }
    return isReversed ? found : found.toReversed();
  }
}

const ENTRY_ID = /^audit_log-(\d{1,15}-\d{1,15})$/;

export function isAuditLogId(id: string): boolean {
  return ENTRY_ID.test(id);
}

function toEntryId(id: string): string {
  return id.slice(ID_PREFIX.length);
}

function parseEntry(id: string, json: string | undefined): StoredAuditEntry | undefined {
  const parsed = entrySchema.safeParse(JSON.parse(json ?? "null"));
  // An entry of a later release.
  if (!parsed.success) return undefined;
  return { ...parsed.data, id: `${ID_PREFIX}${id}`, atMs: Number(id.slice(0, id.indexOf("-"))) };
}
