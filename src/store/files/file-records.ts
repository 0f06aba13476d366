/**
 * The records of files, each with the keys of the blobs that hold its bytes, in order. A file of `POST /files` has one
 * blob; a file of `POST /uploads` has one for each part. One script records a file, lists and counts it, and takes its
 * blobs out of the pending ones; one script deletes it and condemns its blobs (blob-custody.ts).
 */
import { z } from "zod";
import type { PageQuery } from "../../protocol/list.ts";
import { isFileId } from "../../protocol/id.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import { digestToken, ListIndex } from "../lists/list-index.ts";
import { LIST_LUA, listKeys } from "../lists/list-scripts.ts";
import type { ListPosition } from "../lists/page-script.ts";
import { COUNT_BYTES_LUA, NEVER_EXPIRES_MS } from "../stored-bytes.ts";
import { CONDEMN_LUA } from "./blob-custody.ts";

const blobSchema = z.object({ key: z.string(), bytes: z.int() });

const fileSchema = z.object({
  id: z.string(),
  project: z.string(),
  filename: z.string(),
  purpose: z.string(),
  bytes: z.int(),
  /** Unix milliseconds. */
  createdAtMs: z.int(),
  expiresAtMs: z.int().optional(),
  /** What the bytes are, as far as this server recognizes it. */
  contentType: z.string(),
  /** Identifies the bytes: of one blob its SHA-256 in hex, of several the SHA-256 of theirs. */
  sha256: z.string(),
  blobs: z.array(blobSchema),
});
export type StoredFile = z.infer<typeof fileSchema>;
export type FileBlob = z.infer<typeof blobSchema>;

/** Records that one round trip reads. */
const READ_COUNT = 500;

/*
 * For scripts that record a file. `file`: project, id, bytes, creation time, expiry or '', tokens, keys of blobs, JSON.
 */
export const RECORD_FILE_LUA = `
  local function recordFile(keys, file)
    redis.call('HSET', keys.record, 'project', file.project, 'blobs', file.blobs, 'json', file.json)
    local isExpiring = file.expiry ~= ''
    enlist(keys.root, file.project, file.id, file.createdAtMs, 1, file.tokens, isExpiring and file.expiry or '+inf')
    put(keys.counted, file.project, file.id, file.bytes, isExpiring and file.expiry or '${NEVER_EXPIRES_MS}')
    if isExpiring then redis.call('ZADD', keys.expiries, file.expiry, file.id) end
  end
`;

/*
 * KEYS  sums, sizes, expiries, root of the list, its entries, record, expiring files, pending blobs
 * ARGV  project, id, bytes, creation time, expiry or '', tokens, key of the blob, JSON
 * Returns 0 if the hold of the blob was lost. ioredis may send it twice: the second time it changes nothing.
 */
const recordScript = defineScript<0 | 1>(
  "recordFile",
  8,
  `${COUNT_BYTES_LUA}${LIST_LUA}${RECORD_FILE_LUA}
  if redis.call('ZREM', KEYS[8], ARGV[7]) == 0 then
    return redis.call('HGET', KEYS[6], 'json') == ARGV[8] and 1 or 0
  end
  recordFile({counted = KEYS, root = KEYS[4], record = KEYS[6], expiries = KEYS[7]}, {
    project = ARGV[1], id = ARGV[2], bytes = ARGV[3], createdAtMs = ARGV[4], expiry = ARGV[5], tokens = ARGV[6],
    blobs = ARGV[7], json = ARGV[8],
  })
  return 1
`,
);

/*
 * KEYS  sums, sizes, expiries, root of the list, its entries, record, expiring files, pending blobs, condemned blobs
 * ARGV  project, id
 * Returns the keys of its blobs; nil if the project has no such file.
 */
const deleteScript = defineScript<string | null>(
  "deleteFile",
  9,
  `${COUNT_BYTES_LUA}${LIST_LUA}${CONDEMN_LUA}
  local project, id = ARGV[1], ARGV[2]
  local owner, blobs = unpack(redis.call('HMGET', KEYS[6], 'project', 'blobs'))
  if owner ~= project then return nil end
  redis.call('DEL', KEYS[6])
  redis.call('ZREM', KEYS[7], id)
  drop(KEYS, project, id)
  delist(KEYS[4], project, id)
  for key in string.gmatch(blobs, '%S+') do condemn({KEYS[8], KEYS[9]}, key) end
  return blobs
`,
  { runsWhenFull: true },
);

export function encodeFile(file: StoredFile): (string | number)[] {
  const { project, id, bytes, createdAtMs, expiresAtMs, purpose, blobs } = file;
  const tokens = `all ${purposeToken(purpose)}`;
  const keys = blobs.map(({ key }) => key).join(" ");
  return [project, id, bytes, createdAtMs, expiresAtMs ?? "", tokens, keys, JSON.stringify(file)];
}

export class FileRecords {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;
  readonly #list: ListIndex;

  /** `logRedis` writes records: where replicas are required, they can be waited for. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#logRedis = logRedis;
    this.#layout = layout;
    this.#list = new ListIndex(redis, layout.fileList);
  }

  /** Records a file with one blob, which is pending. False if the process has lost the blob meanwhile. */
  async record(file: StoredFile): Promise<boolean> {
    const [pending] = this.#layout.blobs;
    const keys = [...this.#keysOf(file.project, file.id), pending];
    return (await recordScript(this.#logRedis, keys, encodeFile(file))) === 1;
  }

  /** Undefined if the project has no such file, or it has expired. */
  async read(project: string, id: string, nowMs: number): Promise<StoredFile | undefined> {
    // The id comes from a client and becomes part of a key.
    if (!isFileId(id)) return undefined;
    const [file] = await this.#readAll(project, [id], nowMs);
    return file;
  }

  /** Deletes the file, and returns the keys of its blobs, which are condemned. Undefined if the project has no such file. */
  async delete(project: string, id: string): Promise<string[] | undefined> {
    if (!isFileId(id)) return undefined;
    const keys = [...this.#keysOf(project, id), ...this.#layout.blobs];
    const blobs = await deleteScript(this.#redis, keys, project, id);
    return blobs === null ? undefined : blobs.split(" ").filter((key) => key !== "");
  }

  /** Deletes up to `count` expired files, and returns how many there were. */
  async deleteExpired(nowMs: number, count: number): Promise<number> {
    const { fileExpiries } = this.#layout;
    const ids = await this.#redis.zrangebyscore(fileExpiries, "-inf", nowMs, "LIMIT", 0, count);
    for (const id of ids) {
      const project = await this.#redis.hget(this.#layout.file(id), "project");
      const isDeleted = project !== null && (await this.delete(project, id)) !== undefined;
      if (!isDeleted) await this.#redis.zrem(fileExpiries, id);
    }
    return ids.length;
  }

  /** One page of a project's files, and whether more follow. Undefined if `after` names none of them. */
  async list(
    project: string,
    { order, after, limit, purpose }: PageQuery & { purpose: string | undefined },
    nowMs: number,
  ): Promise<{ files: StoredFile[]; hasMore: boolean } | undefined> {
    const start = after === undefined ? undefined : await this.#list.findPosition(project, after);
    if (after !== undefined && start === undefined) return undefined;
    const filters = purpose === undefined ? [] : [[purposeToken(purpose)]];
    const positions = await this.#list.find({ project, filters, order, start }, limit + 1);
    const files = await this.#readPage(project, positions.slice(0, limit), nowMs);
    return { files, hasMore: positions.length > limit };
  }

  /** Removes what the list keeps of expired files. */
  async trimList(): Promise<void> {
    await this.#list.trim();
  }

  async #readPage(project: string, positions: readonly ListPosition[], nowMs: number): Promise<StoredFile[]> {
    let files: StoredFile[] = [];
    for (let from = 0; from < positions.length; from += READ_COUNT) {
      const ids = positions.slice(from, from + READ_COUNT).map(({ id }) => id);
      files = files.concat(await this.#readAll(project, ids, nowMs));
    }
    return files;
  }

  /** Without those that have gone meanwhile. */
  async #readAll(project: string, ids: readonly string[], nowMs: number): Promise<StoredFile[]> {
    const records = await Promise.all(ids.map((id) => this.#redis.hmget(this.#layout.file(id), "project", "json")));
    return records.flatMap(([owner, json]) => {
      if (owner !== project || json == null) return [];
      const file = fileSchema.parse(JSON.parse(json));
      return file.expiresAtMs !== undefined && file.expiresAtMs <= nowMs ? [] : [file];
    });
  }

  #keysOf(project: string, id: string): string[] {
    const { storedBytes, fileList, file, fileExpiries } = this.#layout;
    return [...storedBytes(project), ...listKeys(fileList, project), file(id), fileExpiries];
  }
}

function purposeToken(purpose: string): string {
  return digestToken("purpose", purpose);
}
