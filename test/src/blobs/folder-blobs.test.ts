import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FolderBlobs } from "../../../src/blobs/folder-blobs.ts";
import { listStoredFiles } from "../../support/stored-files.ts";
import { testBlobStore } from "../../support/blob-store-suite.ts";

const folder = await mkdtemp(join(tmpdir(), "blobs-"));
afterAll(async () => await rm(folder, { recursive: true, force: true }));
const KEY = "file-0123456789abcdef";
const NEVER = new AbortController().signal;
async function* sourceOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe("a folder", () => {
  const suite = join(folder, "suite");
  testBlobStore(
    () => new FolderBlobs(suite),
    async () => await listStoredFiles(suite),
  );
});

test("only this user reads the blobs", async () => {
  const root = join(folder, "private");
  await new FolderBlobs(root).put(KEY, sourceOf(Buffer.from("secret")), NEVER);
  expect((await stat(join(root, "blobs"))).mode & 0o077).toBe(0);
  expect((await stat(join(root, "blobs", "ef", KEY))).mode & 0o077).toBe(0);
});

test("a crash leaves bytes in staging alone, and delete removes them", async () => {
  const root = join(folder, "crashed");
  await mkdir(join(root, "staging"), { recursive: true });
  await writeFile(join(root, "staging", KEY), "half a fi");
  const store = new FolderBlobs(root);
  expect(await store.open(KEY)).toBeUndefined();
  await store.delete(KEY);
  expect(await readdir(join(root, "staging"))).toEqual([]);
});

test("a full disk is an error of the store, and nothing is left", async () => {
  const root = join(folder, "full");
  await mkdir(join(root, "staging"), { recursive: true });
  // Linux answers every write to this device with ENOSPC.
  await symlink("/dev/full", join(root, "staging", KEY));
  const store = new FolderBlobs(root);
  const error = { name: "BlobStoreError", reason: "full" };
  await expect(store.put(KEY, sourceOf(Buffer.from("x")), NEVER)).rejects.toMatchObject(error);
  expect(await listStoredFiles(root)).toEqual([]);
  expect((await store.put(KEY, sourceOf(Buffer.from("fits")), NEVER)).bytes).toBe(4);
});

test("a folder that cannot be written is an error of the store", async () => {
  const file = join(folder, "a-file");
  await writeFile(file, "");
  await chmod(file, 0o600);
  const store = new FolderBlobs(file);
  await expect(store.put(KEY, sourceOf(Buffer.from("x")), NEVER)).rejects.toMatchObject({ reason: "unreachable" });
});
