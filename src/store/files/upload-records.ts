/**
 * The records of uploads in parts. Each part is a blob; completing an upload makes one file of them, and no byte is
 * copied. The bytes of the whole upload count for the project from its creation. One script each adds a part, completes
 * the upload, and ends it without a file, and each changes only a pending upload: of several that run at once, one wins.
 */
import { z } from "zod";
import { isUploadId } from "../../protocol/id.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import { listKeys } from "../lists/list-scripts.ts";
import { encodeFile, type StoredFile } from "./file-records.ts";
import {
  addPartScript,
  type AddPartRefusal,
  completeScript,
  createScript,
  endScript,
  MAX_BYTES_FACTOR,
} from "./upload-scripts.ts";

/** The record of an upload that has ended names the reason for this long. */
const ENDED_KEPT_MS = 24 * 60 * 60_000;

const propertiesSchema = z.object({
  id: z.string(),
  project: z.string(),
  bytes: z.int(),
  filename: z.string(),
  purpose: z.string(),
  createdAtMs: z.int(),
  expiresAtMs: z.int(),
  /** Of the file, from its creation. */
  fileExpirySeconds: z.int().optional(),
});
export type UploadProperties = z.infer<typeof propertiesSchema>;

const recordSchema = z.object({
  json: z.string().transform((text) => propertiesSchema.parse(JSON.parse(text))),
  status: z.enum(["pending", "completed", "cancelled", "expired"]),
  partBytes: z.coerce.number().default(0),
  fileId: z.string().default(""),
  partIds: z.string().default(""),
});

export interface StoredUpload extends UploadProperties {
  status: "pending" | "completed" | "cancelled" | "expired";
  /** Of all parts so far. */
  partBytes: number;
  /** Of a completed upload. */
  fileId: string;
  partIds: readonly string[];
}

const partSchema = z.object({ bytes: z.int(), sha256: z.string() });
export type StoredPart = z.infer<typeof partSchema>;

export type EndedUpload = { isEnded: true; condemned: string[] } | { isEnded: false; status: StoredUpload["status"] };

export class UploadRecords {
  readonly #redis: RedisClient;
  readonly #logRedis: RedisClient;
  readonly #layout: RedisLayout;

  /** `logRedis` completes uploads: where replicas are required, they can be waited for. */
  constructor(redis: RedisClient, layout: RedisLayout, logRedis: RedisClient) {
    this.#redis = redis;
    this.#logRedis = logRedis;
    this.#layout = layout;
  }

  /** Counts the bytes and records the upload, unless the project would exceed its limit. */
  async create(
    upload: UploadProperties,
    defaultLimit: number,
  ): Promise<{ isCreated: boolean; storedBytes: number; limit: number }> {
    const { id, project, bytes, expiresAtMs } = upload;
    const { storedBytes: counted, organization, upload: record, uploadExpiries } = this.#layout;
    const keys = [...counted(project), organization.limitsOf(project), record(id)[0], uploadExpiries];
    const args = [project, id, bytes, expiresAtMs, defaultLimit, expiresAtMs + ENDED_KEPT_MS, JSON.stringify(upload)];
    const [created, storedBytes, limit] = await createScript(this.#redis, keys, args);
    return { isCreated: created === 1, storedBytes, limit };
  }

  /** Undefined if the project has no such upload. An upload whose time is over is expired, whether it was swept or not. */
  async read(project: string, id: string, nowMs: number): Promise<StoredUpload | undefined> {
    if (!isUploadId(id)) return undefined;
    const fields = await this.#redis.hgetall(this.#layout.upload(id)[0]);
    if (fields["project"] !== project) return undefined;
    const { json, status, partIds, ...rest } = recordSchema.parse(fields);
    const isExpired = status === "pending" && json.expiresAtMs <= nowMs;
    const ids = partIds === "" ? [] : partIds.split(" ");
    return { ...json, ...rest, status: isExpired ? "expired" : status, partIds: ids };
  }

  /** Maximum bytes of all parts: a client that lost an answer sends a part again. */
  static maxPartBytes({ bytes }: Pick<UploadProperties, "bytes">): number {
    return bytes * MAX_BYTES_FACTOR;
  }

  /** Adds a part whose blob is pending. `lost`: the process has lost the blob meanwhile. */
  async addPart(
    { id, project, bytes }: UploadProperties,
    partId: string,
    part: StoredPart,
  ): Promise<"added" | AddPartRefusal> {
    const [pending] = this.#layout.blobs;
    const keys = [...this.#layout.storedBytes(project), ...this.#layout.upload(id), pending];
    const args = [project, partId, part.bytes, bytes * MAX_BYTES_FACTOR, JSON.stringify(part)];
    return await addPartScript(this.#redis, keys, args);
  }

  /** The parts by id; an id without a part is missing. */
  async readParts(id: string, partIds: readonly string[]): Promise<Map<string, StoredPart>> {
    const found = new Map(Object.entries(await this.#redis.hgetall(this.#layout.upload(id)[1])));
    return new Map(
      partIds.flatMap((partId) => {
        const json = found.get(partId);
        return json === undefined ? [] : [[partId, partSchema.parse(JSON.parse(json))] as const];
      }),
    );
  }

  /** Records `file`, whose blobs are parts of the upload, and condemns all other parts. */
  async complete(id: string, file: StoredFile): Promise<EndedUpload> {
    const { storedBytes, fileList, file: record, fileExpiries, blobs, upload, uploadExpiries } = this.#layout;
    const { project } = file;
    const keys = [...storedBytes(project), ...listKeys(fileList, project), record(file.id), fileExpiries];
    const outcome = await completeScript(
      this.#logRedis,
      [...keys, ...blobs, ...upload(id), uploadExpiries],
      [...encodeFile(file), id],
    );
    return toEnded(outcome);
  }

  /** Ends the upload without a file, and condemns its parts. */
  async end(project: string, id: string, status: "cancelled" | "expired"): Promise<EndedUpload> {
    const { storedBytes, blobs, upload, uploadExpiries } = this.#layout;
    const keys = [...storedBytes(project), ...upload(id), uploadExpiries, ...blobs];
    return toEnded(await endScript(this.#redis, keys, [project, id, status]));
  }

  /** Ends up to `count` uploads whose time is over, and returns how many there were. */
  async endExpired(nowMs: number, count: number): Promise<number> {
    const { uploadExpiries } = this.#layout;
    const ids = await this.#redis.zrangebyscore(uploadExpiries, "-inf", nowMs, "LIMIT", 0, count);
    for (const id of ids) {
      const project = await this.#redis.hget(this.#layout.upload(id)[0], "project");
      if (project !== null) await this.end(project, id, "expired");
      await this.#redis.zrem(uploadExpiries, id);
    }
    return ids.length;
  }
}

function toEnded([word, ...rest]: string[]): EndedUpload {
  if (word === "ended") return { isEnded: true, condemned: rest };
  return { isEnded: false, status: recordSchema.shape.status.parse(word) };
}
