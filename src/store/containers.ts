/**
 * Stores a project's containers, so that any worker can recreate them: the cells that ran and the files, in one hash per
 * container. A write sends only the changes and names the version it is based on. If two workers change a container at the
 * same time, one write is rejected, and that worker must read the container again.
 */
import { z } from "zod";
import { isContainerId } from "../protocol/id.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { StoredBytes } from "./stored-bytes.ts";

export interface ContainerFile {
  name: string;
  bytes: Uint8Array;
}

export interface ContainerCell {
  code: string;
  files: readonly ContainerFile[];
  durationMs: number;
}

export interface StoredContainer {
  version: number;
  seed: string;
  /** Undefined if the cells must not run again. */
  cells: ContainerCell[] | undefined;
  files: ContainerFile[];
  /** Names and hashes of the conversation files copied into the container. */
  given: string[];
}

/** The changes that lead to the next version of a container. */
export interface ContainerChange {
  /** The version it is based on; 0 for a new container. */
  baseVersion: number;
  /** Unique to this write, so that a repeated write is recognized. */
  token: string;
  seed: string;
  given: readonly string[];
  /** Undefined if the cells must not run again. */
  cellCount: number | undefined;
  /** By cell index. */
  newCells: ReadonlyMap<number, ContainerCell>;
  /** Indexes of deleted cells. */
  deletedCells: readonly number[];
  files: readonly ContainerFile[];
  deletedFiles: readonly string[];
}

const headSchema = z.object({ seed: z.string(), cellCount: z.int().nullable(), given: z.array(z.string()) });
const fileSchema = z.object({
  name: z.string(),
  bytes: z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64"))),
});
const cellSchema = z.object({ code: z.string(), files: z.array(fileSchema), durationMs: z.number() });

/*
 * KEYS  container
 * ARGV  project, base version, token, seconds to live, number of fields to delete, these fields, then field, value, …
 * Returns {bytes, created, expires in unix milliseconds} if written now or earlier with the same token; {} if the version
 * differs or another project owns the container. Never shortens the lifetime.
 */
const writeScript = defineScript<[] | [bytes: number, createdAtMs: number, expiresAtMs: number]>(
  "writeContainer",
  1,
  `
  local held = redis.call('HMGET', KEYS[1], 'project', 'version', 'token', 'bytes', 'createdAtMs')
  if held[1] and held[1] ~= ARGV[1] then return {} end
  local bytes, now = tonumber(held[4] or '0'), redis.call('TIME')[1] * 1000
  local created = tonumber(held[5] or now)
  if held[3] ~= ARGV[3] then
    if (held[2] or '0') ~= ARGV[2] then return {} end
    local first = 6 + tonumber(ARGV[5])
    for i = 6, first - 1 do
      bytes = bytes - redis.call('HSTRLEN', KEYS[1], ARGV[i])
      redis.call('HDEL', KEYS[1], ARGV[i])
    end
    for i = first, #ARGV, 2 do
      bytes = bytes + #ARGV[i + 1] - redis.call('HSTRLEN', KEYS[1], ARGV[i])
      redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    end
    redis.call('HSET', KEYS[1], 'project', ARGV[1], 'version', ARGV[2] + 1, 'token', ARGV[3])
    redis.call('HSET', KEYS[1], 'bytes', bytes, 'createdAtMs', created, 'lastActiveAtMs', now)
    redis.call('EXPIRE', KEYS[1], math.max(redis.call('TTL', KEYS[1]), tonumber(ARGV[4])))
  end
  return {bytes, created, now + redis.call('TTL', KEYS[1]) * 1000}
`,
);

/** A container as the API lists it. The times are 0 if an older release created it and it has not been used since. */
export interface ContainerSummary {
  id: string;
  createdAtMs: number;
  lastActiveAtMs: number;
}

export class Containers {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;
  readonly #storedBytes: StoredBytes;

  /** `logRedis` is also the journal's connection: replicas that have a result then also have the container. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
    this.#storedBytes = new StoredBytes(redis, layout);
  }

  /** Undefined if the project has no such container. */
  async readVersion(project: string, id: string): Promise<number | undefined> {
    // The id comes from a client and becomes part of a key.
    if (!isContainerId(id)) return undefined;
    const [owner, version] = await this.#redis.hmget(this.#layout.container(id), "project", "version");
    return owner === project ? Number(version) : undefined;
  }

  async read(project: string, id: string): Promise<StoredContainer | undefined> {
    if (!isContainerId(id)) return undefined;
    const fields = await this.#redis.hgetall(this.#layout.container(id));
    if (fields["project"] !== project) return undefined;
    const { seed, cellCount, given } = headSchema.parse(JSON.parse(fields["head"]!));
    const parse = <T>(field: string, schema: z.ZodType<T>): T => schema.parse(JSON.parse(fields[field]!));
    const cells =
      cellCount === null
        ? undefined
        : Array.from({ length: cellCount }, (_, index) => parse(cellField(index), cellSchema));
    const files = Object.keys(fields)
      .filter((field) => field.startsWith(FILE_FIELD_PREFIX))
      .map((field) => parse(field, fileSchema));
    return { version: Number(fields["version"]), seed, cells, files, given };
  }

  /** False if another worker has changed the container since `baseVersion`. */
  async write(project: string, id: string, change: ContainerChange, lifetimeSeconds: number): Promise<boolean> {
    const { baseVersion, token, seed, given, cellCount = null } = change;
    const deletedFields = [
      ...change.deletedCells.map(cellField),
      ...change.deletedFiles.map((name) => FILE_FIELD_PREFIX + name),
    ];
    const fields = [
      ["head", JSON.stringify({ seed, cellCount, given })],
      ...[...change.newCells].map(([index, cell]) => [
        cellField(index),
        JSON.stringify({ ...cell, files: cell.files.map(encodeFile) }),
      ]),
      ...change.files.map((file) => [FILE_FIELD_PREFIX + file.name, JSON.stringify(encodeFile(file))]),
    ].flat();
    const key = this.#layout.container(id);
    const header = [project, baseVersion, token, lifetimeSeconds, deletedFields.length, ...deletedFields];
    const [bytes, createdAtMs, expiresAtMs] = await writeScript(this.#logRedis, key, header, fields);
    if (bytes === undefined) return false;
    // After a crash before this step, the call has no result: the next worker repeats it, and this step.
    await Promise.all([
      this.#redis.zadd(this.#layout.containersOf(project), "NX", createdAtMs!, id),
      this.#storedBytes.set(project, id, bytes, expiresAtMs),
    ]);
    return true;
  }

  /** Undefined if the project has no such container. */
  async describe(project: string, id: string): Promise<ContainerSummary | undefined> {
    if (!isContainerId(id)) return undefined;
    const [owner, created, lastActive] = await this.#redis.hmget(
      this.#layout.container(id),
      "project",
      "createdAtMs",
      "lastActiveAtMs",
    );
    if (owner !== project) return undefined;
    return { id, createdAtMs: Number(created ?? 0), lastActiveAtMs: Number(lastActive ?? 0) };
  }

  /**
   * Up to `count` containers of a project by creation time, after the container `after`. Undefined if there is no such
   * container. Removes expired containers from the list.
   */
  async list(
    project: string,
    { order, after, count }: { order: "asc" | "desc"; after: string | undefined; count: number },
  ): Promise<ContainerSummary[] | undefined> {
    const key = this.#layout.containersOf(project);
    const isAscending = order === "asc";
    let from = 0;
    if (after !== undefined) {
      const rank = await (isAscending ? this.#redis.zrank(key, after) : this.#redis.zrevrank(key, after));
      if (rank === null) return undefined;
      from = rank + 1;
    }
    const found: ContainerSummary[] = [];
    const expired: string[] = [];
    while (found.length < count) {
      const last = from + count - 1;
      const ids = await (isAscending
        ? this.#redis.zrange(key, String(from), String(last))
        : this.#redis.zrevrange(key, from, last));
      const summaries = await Promise.all(ids.map((id) => this.describe(project, id)));
      summaries.forEach((summary, i) => (summary === undefined ? expired.push(ids[i]!) : found.push(summary)));
      if (ids.length < count) break;
      from += ids.length;
    }
    await Promise.all(expired.map((id) => this.#redis.zrem(key, id)));
    return found.slice(0, count);
  }

  /** False if the project has no such container. Repeat it after an error to erase the rest. */
  async erase(project: string, id: string): Promise<boolean> {
    if ((await this.describe(project, id)) === undefined) return false;
    await Promise.all([
      this.#redis.zrem(this.#layout.containersOf(project), id),
      this.#storedBytes.remove(project, id),
    ]);
    return (await this.#redis.unlink(this.#layout.container(id))) === 1;
  }
}

const FILE_FIELD_PREFIX = "file:";

function cellField(index: number): string {
  return `cell:${index}`;
}

function encodeFile({ name, bytes }: ContainerFile): { name: string; bytes: string } {
  return { name, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") };
}
