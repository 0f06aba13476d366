/**
 * The search indexes of vector stores, as bytes: which files each has, and their contents in blocks. The room knowledge/
 * knows what is in a block. Methods that read accept a store that was dropped or never filled: it has no files.
 */
import { randomBytes } from "node:crypto";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import {
  commitFileScript,
  dropFilesScript,
  removeFileScript,
  STAGED_SECONDS,
  updateAttributesScript,
} from "./index-scripts.ts";

/** Generations are random. */
const GENERATION_BYTES = 9;
const FILES_PER_DROP = 100;
/** Files that one command asks for. */
const FILES_PER_READ = 500;

export interface IndexState {
  /** Grows with every change. 0 for an index without files. */
  revision: number;
  chunks: number;
  bytes: number;
  /** The model of the index's vectors. */
  embedding: { model: string; dimensions: number } | undefined;
  /** Removals up to this revision are no longer known. */
  forgotten: number;
}

export interface StoredFileEntry {
  generation: string;
  blocks: number;
  chunks: number;
  bytes: number;
  hasVectors: boolean;
}

export interface StoredFile extends StoredFileEntry {
  id: string;
  /** JSON. */
  attributes: string;
}

export interface StoredBlock {
  words: Buffer;
  /** Undefined without embeddings. */
  vectors: Buffer | undefined;
  /** Parts of the block's texts. */
  texts: readonly Buffer[];
}

export interface CommittedFile {
  entry: StoredFileEntry;
  /** Number of staged fields, over all blocks. */
  fields: number;
  /** JSON. */
  attributes: string;
  embedding: IndexState["embedding"];
  maxChunks: number;
}

export type CommitOutcome =
  | { kind: "committed" | "dropped" | "expired" }
  | { kind: "full"; chunks: number }
  | { kind: "embedding_changed"; model: string };

export class StoredIndex {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  newGeneration(): string {
    return randomBytes(GENERATION_BYTES).toString("base64url");
  }

  /** Writes a block of contents that do not count yet. They expire unless they are committed. */
  async stageBlock(
    storeId: string,
    fileId: string,
    generation: string,
    at: number,
    block: StoredBlock,
  ): Promise<{ fields: number; bytes: number }> {
    const key = this.#layout.indexContents(storeId, fileId, generation);
    const fields = new Map([[`w${at}`, block.words]]);
    if (block.vectors !== undefined) fields.set(`v${at}`, block.vectors);
    for (const [part, text] of block.texts.entries()) fields.set(`t${at}.${part}`, text);
    // Together, so that no crash leaves a key that never expires.
    const replies = await this.#redis.multi().hset(key, fields).expire(key, STAGED_SECONDS).exec();
    for (const [error] of replies ?? []) if (error !== null) throw error;
    const bytes = fields.values().reduce((sum, { length }) => sum + length, 0);
    return { fields: fields.size, bytes };
  }

  async discardStaged(storeId: string, fileId: string, generation: string): Promise<void> {
    await this.#redis.unlink(this.#layout.indexContents(storeId, fileId, generation));
  }

  /** Replaces the file's contents with the staged ones. Repeat it after an error. */
  async commitFile(storeId: string, fileId: string, file: CommittedFile): Promise<CommitOutcome> {
    const { model = "", dimensions = 0 } = file.embedding ?? {};
    const args = [fileId, formatEntry(file.entry), file.attributes, model, dimensions, file.maxChunks, file.fields];
    const [kind, detail] = await commitFileScript(this.#redis, this.#layout.indexKeysOf(storeId), args);
    if (kind === "full") return { kind, chunks: detail };
    if (kind === "embedding_changed") return { kind, model: detail };
    return { kind };
  }

  /** False if the index has no such file. */
  async removeFile(storeId: string, fileId: string): Promise<boolean> {
    return (await removeFileScript(this.#redis, this.#layout.indexKeysOf(storeId), fileId)) === 1;
  }

  /** `attributes` are JSON. False if the index has no such file. */
  async updateAttributes(storeId: string, fileId: string, attributes: string): Promise<boolean> {
    return (await updateAttributesScript(this.#redis, this.#layout.indexKeysOf(storeId), fileId, attributes)) === 1;
  }

  /** Removes the index. Nothing can be committed to it afterwards. Repeat it after an error to remove the rest. */
  async drop(storeId: string): Promise<void> {
    const keys = this.#layout.indexKeysOf(storeId);
    for (;;) if ((await dropFilesScript(this.#redis, keys, FILES_PER_DROP)) === 0) return;
  }

  async readState(storeId: string): Promise<IndexState> {
    const [key] = this.#layout.indexKeysOf(storeId);
    const [dropped, revision, chunks, bytes, model, dimensions, forgotten] = await this.#redis.hmget(
      key,
      "dropped",
      "revision",
      "chunks",
      "bytes",
      "model",
      "dimensions",
      "forgotten",
    );
    if (dropped != null) return { revision: 0, chunks: 0, bytes: 0, embedding: undefined, forgotten: 0 };
    return {
      revision: Number(revision ?? 0),
      chunks: Number(chunks ?? 0),
      bytes: Number(bytes ?? 0),
      embedding: model == null ? undefined : { model, dimensions: Number(dimensions) },
      forgotten: Number(forgotten ?? 0),
    };
  }

  /** The files changed and removed since a revision. A file that changes meanwhile may be in neither, or in a later state. */
  async readChanges(storeId: string, since: number): Promise<{ changed: StoredFile[]; removed: string[] }> {
    const [, , , changes, removals] = this.#layout.indexKeysOf(storeId);
    const [ids, removed] = await Promise.all([
      this.#redis.zrangebyscore(changes, `(${since}`, "+inf"),
      this.#redis.zrangebyscore(removals, `(${since}`, "+inf"),
    ]);
    const changed: StoredFile[] = [];
    for (let from = 0; from < ids.length; from += FILES_PER_READ) {
      const page = await this.#readFiles(storeId, ids.slice(from, from + FILES_PER_READ));
      for (const file of page) if (file !== undefined) changed.push(file);
    }
    return { changed, removed };
  }

  /** Undefined if the index has no such file. */
  async readFile(storeId: string, fileId: string): Promise<StoredFile | undefined> {
    const [file] = await this.#readFiles(storeId, [fileId]);
    return file;
  }

  async #readFiles(storeId: string, ids: readonly string[]): Promise<(StoredFile | undefined)[]> {
    const [, files, attributes] = this.#layout.indexKeysOf(storeId);
    const [entries, values] = await Promise.all([
      this.#redis.hmget(files, ...ids),
      this.#redis.hmget(attributes, ...ids),
    ]);
    return ids.map((id, i) => {
      const entry = entries[i];
      return entry == null ? undefined : { id, attributes: values[i] ?? "{}", ...parseEntry(entry) };
    });
  }

  /** The words and the vectors of some blocks. Undefined if the contents have been replaced or removed. */
  async readBlocks(
    storeId: string,
    { id, generation, hasVectors }: Pick<StoredFile, "id" | "generation" | "hasVectors">,
    from: number,
    to: number,
  ): Promise<Omit<StoredBlock, "texts">[] | undefined> {
    const kinds = hasVectors ? ["w", "v"] : ["w"];
    const fields = Array.from({ length: to - from }, (_, i) => kinds.map((kind) => `${kind}${from + i}`)).flat();
    const key = this.#layout.indexContents(storeId, id, generation);
    const values = await this.#redis.hmgetBuffer(key, ...fields);
    const blocks: Omit<StoredBlock, "texts">[] = [];
    for (let i = 0; i < values.length; i += kinds.length) {
      const [words, vectors] = values.slice(i, i + kinds.length);
      if (words == null || (hasVectors && vectors == null)) return undefined;
      blocks.push({ words, vectors: vectors ?? undefined });
    }
    return blocks;
  }

  /** A part of a block's texts. Undefined if there is none, or the contents have been replaced or removed. */
  async readText(
    storeId: string,
    { id, generation }: Pick<StoredFile, "id" | "generation">,
    { block, part }: { block: number; part: number },
  ): Promise<Buffer | undefined> {
    const key = this.#layout.indexContents(storeId, id, generation);
    return (await this.#redis.hgetBuffer(key, `t${block}.${part}`)) ?? undefined;
  }
}

function formatEntry({ generation, blocks, chunks, bytes, hasVectors }: StoredFileEntry): string {
  return [generation, blocks, chunks, bytes, hasVectors ? 1 : 0].join(" ");
}

function parseEntry(entry: string): StoredFileEntry {
  const [generation = "", blocks, chunks, bytes, vectors] = entry.split(" ");
  return {
    generation,
    blocks: Number(blocks),
    chunks: Number(chunks),
    bytes: Number(bytes),
    hasVectors: vectors === "1",
  };
}
