/**
 * What the containers of a project hold, so that any worker can make a container again: the cells that ran in it and its
 * files. One hash each, written by what has changed. A container is written by whoever read its newest version: of two
 * who ran something in it at the same time, one is refused, and has to look at it again.
 */
import { z } from "zod";
import { isContainerId } from "../protocol/id.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

export interface ContainerFile {
  name: string;
  bytes: Uint8Array;
}

export interface ContainerCell {
  code: string;
  files: readonly ContainerFile[];
  durationMs: number;
}

export interface Container {
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
  from: number;
  /** Of this write alone: sent again, it is known to be the same. */
  token: string;
  seed: string;
  given: readonly string[];
  /** How many cells there are, undefined if they are not to be run again; and those that are new, by their places. */
  cellCount: number | undefined;
  newCells: ReadonlyMap<number, ContainerCell>;
  /** Places of cells that are gone. */
  goneCells: readonly number[];
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
 * Returns 1 if it is written, or was by the same token; 0 if there is another version, or it is another project's.
 * A container never lives shorter than it would have.
 */
const writeScript = defineScript<0 | 1>(
  "writeContainer",
  1,
  `
  local held = redis.call('HMGET', KEYS[1], 'project', 'version', 'token')
  if held[1] and held[1] ~= ARGV[1] then return 0 end
  if held[3] == ARGV[3] then return 1 end
  if (held[2] or '0') ~= ARGV[2] then return 0 end
  local first = 6 + tonumber(ARGV[5])
  for i = 6, first - 1 do redis.call('HDEL', KEYS[1], ARGV[i]) end
  for i = first, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  redis.call('HSET', KEYS[1], 'project', ARGV[1], 'version', ARGV[2] + 1, 'token', ARGV[3])
  redis.call('EXPIRE', KEYS[1], math.max(redis.call('TTL', KEYS[1]), tonumber(ARGV[4])))
  return 1
`,
);

export class Containers {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #logRedis: RedisClient;

  /** `logRedis` is the connection of the tool journal: a result that replicas have is of a container that they have. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#layout = layout;
    this.#logRedis = logRedis;
  }

  /** Undefined if the project has no such container. */
  async readVersion(project: string, id: string): Promise<number | undefined> {
    // What a client names becomes part of a key.
    if (!isContainerId(id)) return undefined;
    const [owner, version] = await this.#redis.hmget(this.#layout.container(id), "project", "version");
    return owner === project ? Number(version) : undefined;
  }

  async read(project: string, id: string): Promise<Container | undefined> {
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
      .filter((field) => field.startsWith(FILE))
      .map((field) => parse(field, fileSchema));
    return { version: Number(fields["version"]), seed, cells, files, given };
  }

  /** False if somebody else has changed it since. */
  async write(project: string, id: string, change: ContainerChange, lifetimeSeconds: number): Promise<boolean> {
    const { from, token, seed, given, cellCount = null } = change;
    const gone = [...change.goneCells.map(cellField), ...change.deletedFiles.map((name) => FILE + name)];
    const fields = [
      ["head", JSON.stringify({ seed, cellCount, given })],
      ...[...change.newCells].map(([place, cell]) => [
        cellField(place),
        JSON.stringify({ ...cell, files: cell.files.map(encodeFile) }),
      ]),
      ...change.files.map((file) => [FILE + file.name, JSON.stringify(encodeFile(file))]),
    ].flat();
    const key = this.#layout.container(id);
    const counted = [project, from, token, lifetimeSeconds, gone.length, ...gone];
    return (await writeScript(this.#logRedis, key, counted, fields)) === 1;
  }
}

const FILE = "file:";

function cellField(place: number): string {
  return `cell:${place}`;
}

function encodeFile({ name, bytes }: ContainerFile): { name: string; bytes: string } {
  return { name, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") };
}
