/**
 * What the containers of a project hold, so that any worker can make a container again: the cells that ran in it and its
 * files. One hash each, written by what has changed. A container is written by whoever read its newest version: of two
 * who ran something in it at the same time, one is refused, and has to look at it again.
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
  /** Undefined if they are not to be run again. */
  cells: ContainerCell[] | undefined;
  files: ContainerFile[];
  /** Names and hashes of the conversations' files that were put in. */
  given: string[];
}

/** The next version of a container, by what is different in it. */
export interface ContainerChange {
  /** The version that was changed; 0 if there was none. */
  baseVersion: number;
  /** Of this write alone: sent again, it is known to be the same. */
  token: string;
  seed: string;
  given: readonly string[];
  /** How many cells there are, undefined if they are not to be run again; and those that are new, by their places. */
  cellCount: number | undefined;
  newCells: ReadonlyMap<number, ContainerCell>;
  /** Places of cells that are gone. */
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
 * ARGV  project, version that was changed, token, seconds, number of fields to delete, these fields, field, value ...
 * Returns {bytes, created, expires in unix milliseconds} if it is written, or was by the same token; {} if there is another
 * version, or it is another project's. A container never lives shorter than it would have.
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

/** What is shown of a container. Of one from before there were these times they are 0 until it is used again. */
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

  /** `logRedis` is the connection of the tool journal: a result that replicas have is of a container that they have. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
    this.#storedBytes = new StoredBytes(redis, layout);
  }

  /** Undefined if the project has no such container. */
  async readVersion(project: string, id: string): Promise<number | undefined> {
    // What a client names becomes part of a key.
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
        : Array.from({ length: cellCount }, (_, place) => parse(cellField(place), cellSchema));
    const files = Object.keys(fields)
      .filter((field) => field.startsWith(FILE_FIELD_PREFIX))
      .map((field) => parse(field, fileSchema));
    return { version: Number(fields["version"]), seed, cells, files, given };
  }

  /** False if somebody else has changed it since. */
  async write(project: string, id: string, change: ContainerChange, lifetimeSeconds: number): Promise<boolean> {
    const { baseVersion, token, seed, given, cellCount = null } = change;
    const gone = [
      ...change.deletedCells.map(cellField),
      ...change.deletedFiles.map((name) => FILE_FIELD_PREFIX + name),
    ];
    const fields = [
      ["head", JSON.stringify({ seed, cellCount, given })],
      ...[...change.newCells].map(([place, cell]) => [
        cellField(place),
        JSON.stringify({ ...cell, files: cell.files.map(encodeFile) }),
      ]),
      ...change.files.map((file) => [FILE_FIELD_PREFIX + file.name, JSON.stringify(encodeFile(file))]),
    ].flat();
    const key = this.#layout.container(id);
    const counted = [project, baseVersion, token, lifetimeSeconds, gone.length, ...gone];
    const [bytes, createdAtMs, expiresAtMs] = await writeScript(this.#logRedis, key, counted, fields);
    if (bytes === undefined) return false;
    // A crash before this leaves a call without its result: it is made again, and this with it.
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
   * Up to `count` of a project's, by when they were made, behind the one that is called `after`; undefined if it has none
   * such. Those that have expired are forgotten here.
   */
  async list(
    project: string,
    { order, after, count }: { order: "asc" | "desc"; after: string | undefined; count: number },
  ): Promise<ContainerSummary[] | undefined> {
    const key = this.#layout.containersOf(project);
    const isAscending = order === "asc";
    let from = 0;
    if (after !== undefined) {
      const place = await (isAscending ? this.#redis.zrank(key, after) : this.#redis.zrevrank(key, after));
      if (place === null) return undefined;
      from = place + 1;
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

  /** False if the project has no such container. Sent again after a failure it erases what is left. */
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
