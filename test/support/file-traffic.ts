/** Clients that upload and delete files at the same time, and remember every answer that they got. */
import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import OpenAI, { toFile } from "openai";
import { expect } from "vitest";
import type { RedisInspector } from "./api-client.ts";
import { pollUntil } from "./poll-until.ts";

const MAX_BYTES = 2_000_000;

/** What the server has answered. A request without an answer may have had its effect, or not. */
export class FileTraffic {
  readonly #hashes = new Map<string, string>();
  readonly #deleted = new Set<string>();

  /** Files that must exist. */
  get kept(): string[] {
    return [...this.#hashes.keys()].filter((id) => !this.#deleted.has(id));
  }

  /** Ends when every request has an answer, or lost its connection. */
  async run(url: string, uploads: number, deletions: number): Promise<void> {
    const client = new OpenAI({ apiKey: "any", baseURL: url, maxRetries: 0 });
    const upload = async (): Promise<void> => {
      const bytes = randomBytes(1 + Math.floor(Math.random() * MAX_BYTES));
      const { id } = await client.files.create({ file: await toFile(bytes, "a.bin"), purpose: "user_data" });
      this.#hashes.set(id, createHash("sha256").update(bytes).digest("hex"));
    };
    const remove = async (id: string): Promise<void> => {
      // Without an answer, it is not known whether the file exists.
      this.#deleted.add(id);
      await client.files.delete(id);
    };
    const chosen = this.kept.slice(0, deletions);
    const acts = [...Array.from({ length: uploads }, upload), ...chosen.map(remove)];
    for (const { status, reason } of (await Promise.allSettled(acts)) as PromiseRejectedResult[]) {
      if (status === "rejected" && !(reason instanceof OpenAI.APIConnectionError)) throw reason;
    }
  }

  /** After every process has recovered: each file has its bytes, and nothing else is stored. */
  async expectConsistent(url: string, folder: string, inspector: RedisInspector): Promise<void> {
    await pollUntil(async () => await this.#isSettled(inspector));
    const client = new OpenAI({ apiKey: "any", baseURL: url, maxRetries: 0 });
    const listed = (await client.files.list()).data.map(({ id }) => id);
    expect(listed).toEqual(expect.arrayContaining(this.kept));
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const stored = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(stored.toSorted()).toEqual(listed.toSorted());
    for (const id of this.kept) {
      const bytes = Buffer.from(await (await client.files.content(id)).arrayBuffer());
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(this.#hashes.get(id));
    }
  }

  /** The holds of lost processes end early, so that the test does not wait for them. */
  async #isSettled({ redis, layout }: RedisInspector): Promise<boolean> {
    const counts = await Promise.all(
      layout.blobs.map(async (set) => {
        const keys = await redis.zrange(set, "0", "-1");
        for (const key of keys) await redis.zadd(set, "XX", 1, key);
        return keys.length;
      }),
    );
    return counts.every((count) => count === 0);
  }
}
