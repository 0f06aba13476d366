/** Clients that upload and delete files at the same time, and remember every answer that they got. */
import { createHash, randomBytes } from "node:crypto";
import OpenAI, { toFile } from "openai";
import type { RedisInspector } from "./api-client.ts";
import { listStoredFiles } from "./stored-files.ts";
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
      this.#hashes.set(id, hashOf(bytes));
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

  /** After every process has recovered: whatever a crash must not leave. Empty if there is nothing. */
  async findFaults(url: string, folder: string, inspector: RedisInspector): Promise<string[]> {
    await pollUntil(async () => await this.#isSettled(inspector));
    const client = new OpenAI({ apiKey: "any", baseURL: url, maxRetries: 0 });
    const listed = new Set((await client.files.list()).data.map(({ id }) => id));
    const stored = new Set(await listStoredFiles(folder));
    const faults = [
      ...this.kept.filter((id) => !listed.has(id)).map((id) => `${id} was answered and is lost`),
      ...[...stored].filter((key) => !listed.has(key)).map((key) => `${key} has bytes and no record`),
      ...[...listed].filter((id) => !stored.has(id)).map((id) => `${id} has a record and no bytes`),
    ];
    for (const id of this.kept.filter((each) => listed.has(each))) {
      const bytes = Buffer.from(await (await client.files.content(id)).arrayBuffer());
      if (hashOf(bytes) !== this.#hashes.get(id)) faults.push(`${id} has other bytes`);
    }
    return faults;
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

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
