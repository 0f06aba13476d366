/** What every blob store promises. */
import { createHash, randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { BlobStore, ByteRange } from "../../src/blobs/blob-store.ts";

const NEVER = new AbortController().signal;
const newKey = (): string => `file-${randomBytes(16).toString("hex")}`;

async function* inChunks(bytes: Buffer, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function readBlob(store: BlobStore, key: string, range?: ByteRange): Promise<Buffer | undefined> {
  const stream = await store.open(key, range);
  return stream && (await buffer(stream));
}

/** `listKeys`: of everything that is stored, as seen without the store. */
export function testBlobStore(open: () => BlobStore, listKeys: () => Promise<string[]>): void {
  test.each([1, 65_536, 5 * 1024 * 1024, 13_000_001])("stores and reads %i bytes", async (size) => {
    const store = open();
    const key = newKey();
    const bytes = randomBytes(size);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(await store.put(key, inChunks(bytes), NEVER)).toEqual({ bytes: size, sha256 });
    expect((await readBlob(store, key))?.equals(bytes)).toBe(true);
    expect(await listKeys()).toContain(key);
    await store.delete(key);
    expect(await readBlob(store, key)).toBeUndefined();
    expect(await listKeys()).not.toContain(key);
  });

  test("stores a blob without bytes", async () => {
    const store = open();
    const key = newKey();
    expect((await store.put(key, inChunks(Buffer.alloc(0)), NEVER)).bytes).toBe(0);
    expect(await readBlob(store, key)).toEqual(Buffer.alloc(0));
    await store.delete(key);
  });

  test("reads ranges, both ends included", async () => {
    const store = open();
    const key = newKey();
    await store.put(key, inChunks(Buffer.from("0123456789")), NEVER);
    expect(String(await readBlob(store, key, { start: 0, end: 1 }))).toBe("01");
    expect(String(await readBlob(store, key, { start: 3, end: 5 }))).toBe("345");
    expect(String(await readBlob(store, key, { start: 9, end: 9 }))).toBe("9");
    await store.delete(key);
  });

  test("a source that fails leaves no blob, and its error comes back", async () => {
    const store = open();
    const key = newKey();
    const cause = new Error("cut off");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield randomBytes(6 * 1024 * 1024);
      throw cause;
    }
    await expect(store.put(key, failing(), NEVER)).rejects.toBe(cause);
    expect(await readBlob(store, key)).toBeUndefined();
    await store.delete(key);
    expect(await listKeys()).not.toContain(key);
  });

  test("an aborted put leaves no blob", async () => {
    const store = open();
    const key = newKey();
    const stopping = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let i = 0; ; i += 1) {
        if (i === 100) stopping.abort(new Error("stopped"));
        yield randomBytes(64 * 1024);
      }
    }
    await expect(store.put(key, endless(), stopping.signal)).rejects.toThrow("stopped");
    expect(await readBlob(store, key)).toBeUndefined();
    await store.delete(key);
    expect(await listKeys()).not.toContain(key);
  });

  test("a blob appears whole or not at all", async () => {
    const store = open();
    const key = newKey();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield randomBytes(6 * 1024 * 1024);
      expect(await readBlob(store, key)).toBeUndefined();
      yield randomBytes(1);
    }
    await store.put(key, slow(), NEVER);
    expect((await readBlob(store, key))?.length).toBe(6 * 1024 * 1024 + 1);
    await store.delete(key);
  });

  test("deletes what is not there", async () => {
    await expect(open().delete(newKey())).resolves.toBeUndefined();
  });

  test("a reader that leaves early closes the stream", async () => {
    const store = open();
    const key = newKey();
    await store.put(key, inChunks(randomBytes(3_000_000)), NEVER);
    for await (const chunk of (await store.open(key))!) {
      expect((chunk as Buffer).length).toBeGreaterThan(0);
      break;
    }
    await store.delete(key);
  });

  test.each(["../../etc/passwd", "file-", "", "file-a/b", "FILE-aaaaaaaaaa"])("%j is no key", async (key) => {
    await expect(open().open(key)).rejects.toThrow(TypeError);
    await expect(open().delete(key)).rejects.toThrow(TypeError);
    await expect(open().put(key, inChunks(Buffer.from("x")), NEVER)).rejects.toThrow(TypeError);
  });
}
