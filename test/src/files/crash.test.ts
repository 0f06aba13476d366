/**
 * A process may be lost between any two steps of an upload, a deletion and a sweep. Afterwards every record has its bytes,
 * all other bytes go, and the counts are right. Each test stops the process before its first step, its second, and so on.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { FolderBlobs } from "../../../src/blobs/folder-blobs.ts";
import { BlobHold } from "../../../src/files/blob-hold.ts";
import { deleteFile, recordFile } from "../../../src/files/files.ts";
import { receiveBlob } from "../../../src/files/receive-blob.ts";
import { openFile } from "../../../src/files/read-file.ts";
import { sweepFiles } from "../../../src/files/sweep-files.ts";
import { newFileId, newId } from "../../../src/protocol/id.ts";
import type { FileContext } from "../../../src/files/file-context.ts";
import { cancelUpload, completeUpload } from "../../../src/files/uploads.ts";
import type { StoredFile } from "../../../src/store/files/file-records.ts";
import type { UploadProperties } from "../../../src/store/files/upload-records.ts";
import { listStoredFiles } from "../../support/stored-files.ts";
import { openTestStorage, silentLogger } from "../../support/storage.ts";

const folder = await mkdtemp(join(tmpdir(), "files-crash-"));
const storage = await openTestStorage();
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
const PROJECT = "alpha";
const blobs = new FolderBlobs(folder);
const whole = { storage, blobs, logger: silentLogger };
const BYTES = randomBytes(100_000);

class CrashError extends Error {}

/** The same context, which is lost at its step number `last`: it does nothing from then on. */
function crashAt(last: number): { context: FileContext & { logger: typeof silentLogger }; hasCrashed: () => boolean } {
  let steps = 0;
  const dying = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          steps += 1;
          return steps >= last ? Promise.reject(new CrashError()) : Reflect.apply(value, object, args);
        };
      },
    });
  const { files, uploads, blobCustody } = storage;
  return {
    context: {
      ...whole,
      storage: { ...storage, files: dying(files), uploads: dying(uploads), blobCustody: dying(blobCustody) },
      blobs: dying(blobs),
    },
    hasCrashed: () => steps >= last,
  };
}

async function upload(context: FileContext, id: string): Promise<void> {
  const blob = { project: PROJECT, key: id };
  await using hold = await BlobHold.begin(context, { blob, announcedBytes: undefined, defaultLimit: 0 });
  const { bytes, sha256 } = await receiveBlob(context, id, Readable.from([BYTES]), hold);
  const createdAtMs = storage.clock.nowMs();
  const fields = { filename: "a.bin", purpose: "user_data", contentType: "text/plain", createdAtMs };
  await recordFile(context, hold, { id, project: PROJECT, bytes, sha256, ...fields, blobs: [{ key: id, bytes }] });
}

async function beginUpload() {
  const properties = {
    id: newId("upload", 32),
    project: PROJECT,
    bytes: BYTES.length,
    filename: "a.bin",
    purpose: "user_data",
    createdAtMs: storage.clock.nowMs(),
    expiresAtMs: storage.clock.nowMs() + 3_600_000,
  };
  await storage.uploads.create(properties, 0);
  return { ...properties, partBytes: 0, fileId: "", partIds: [] };
}

async function addPart(context: FileContext, upload: UploadProperties): Promise<string> {
  const id = newId("part", 32);
  const blob = { project: PROJECT, key: id };
  await using hold = await BlobHold.begin(context, { blob, announcedBytes: undefined, counts: false, defaultLimit: 0 });
  const { bytes, sha256 } = await receiveBlob(context, id, Readable.from([BYTES]), hold);
  expect(await context.storage.uploads.addPart(upload, id, { bytes, sha256 })).toBe("added");
  hold.markRecorded();
  return id;
}

/** As if the time of every hold and every condemned blob had come. */
async function letTimePass(): Promise<void> {
  for (const set of storage.layout.blobs) {
    for (const key of await storage.redis.zrange(set, "0", "-1")) await storage.redis.zadd(set, 1, key);
  }
  for (const id of await storage.redis.zrange(storage.layout.uploadExpiries, "0", "-1")) {
    await storage.redis.zadd(storage.layout.uploadExpiries, 1, id);
  }
  const [, sizes, expiries] = storage.layout.storedBytes(PROJECT);
  for (const id of await storage.redis.hkeys(sizes)) {
    // Only what a record holds stays counted.
    if ((await storage.redis.exists(storage.layout.file(id))) === 0) await storage.redis.zadd(expiries, 1, id);
  }
}

async function listFileIds(): Promise<string[]> {
  return (await listFiles()).map(({ id }) => id);
}

async function listFiles(): Promise<StoredFile[]> {
  const page = await storage.files.list(
    PROJECT,
    { order: "asc", limit: 10_000, after: undefined, purpose: undefined },
    storage.clock.nowMs(),
  );
  return page!.files;
}

/** Returns the files that exist. */
async function expectConsistent(): Promise<string[]> {
  await letTimePass();
  await sweepFiles(whole);
  await letTimePass();
  await sweepFiles(whole);
  const files = await listFiles();
  const stored = await listStoredFiles(folder);
  const used = files.flatMap((file) => file.blobs.map(({ key }) => key));
  expect(stored.toSorted()).toEqual(used.toSorted());
  for (const set of storage.layout.blobs) expect(await storage.redis.zcard(set)).toBe(0);
  expect(await storage.storedBytes.read(PROJECT)).toBe(files.length * BYTES.length);
  for (const file of files) {
    expect((await buffer(await openFile(whole, file))).equals(BYTES)).toBe(true);
  }
  return files.map(({ id }) => id);
}

/** Runs `act` with a crash before each of its steps, until it needs no more of them. */
async function crashEverywhere(
  act: (context: ReturnType<typeof crashAt>["context"]) => Promise<void>,
): Promise<number> {
  for (let step = 1; ; step += 1) {
    const { context, hasCrashed } = crashAt(step);
    await act(context).catch((error: unknown) => {
      if (!(error instanceof CrashError)) throw error;
    });
    await expectConsistent();
    if (!hasCrashed()) return step;
  }
}

test("an upload that is lost at any step leaves a whole file or nothing", async () => {
  const steps = await crashEverywhere(async (context) => await upload(context, newFileId()));
  expect(steps).toBeGreaterThan(3);
  expect((await expectConsistent()).length).toBeGreaterThan(0);
});

test("a deletion that is lost at any step leaves a whole file or nothing", async () => {
  const steps = await crashEverywhere(async (context) => {
    const id = newFileId();
    await upload(whole, id);
    await deleteFile(context, PROJECT, id);
  });
  expect(steps).toBeGreaterThan(2);
});

test("an upload in parts that is lost at any step leaves a whole file or nothing", async () => {
  const steps = await crashEverywhere(async (context) => {
    const upload = await beginUpload();
    const used = await addPart(context, upload);
    await addPart(context, upload);
    await completeUpload(context, { ...upload, status: "pending" }, { part_ids: [used] });
    await deleteFile(context, PROJECT, (await storage.uploads.read(PROJECT, upload.id, 0))!.fileId);
  });
  expect(steps).toBeGreaterThan(8);
});

test("a cancelled upload that is lost at any step leaves nothing", async () => {
  const before = await listFileIds();
  await crashEverywhere(async (context) => {
    const upload = await beginUpload();
    await addPart(whole, upload);
    await cancelUpload(context, { ...upload, status: "pending" });
  });
  expect(await listFileIds()).toEqual(before);
});

test("a sweep that is lost at any step is completed by the next", async () => {
  const steps = await crashEverywhere(async (context) => {
    const [abandoned, deleted] = [newFileId(), newFileId()];
    await upload(crashAt(4).context, abandoned).catch(() => {});
    await upload(whole, deleted);
    await storage.files.delete(PROJECT, deleted);
    await letTimePass();
    await sweepFiles(context);
  });
  expect(steps).toBeGreaterThan(4);
});

test("a process that was stopped for too long cannot record its file", async () => {
  const id = newFileId();
  const blob = { project: PROJECT, key: id };
  {
    await using hold = await BlobHold.begin(whole, { blob, announcedBytes: 10, defaultLimit: 0 });
    const { bytes, sha256 } = await receiveBlob(whole, id, Readable.from([Buffer.from("0123456789")]), hold);
    await letTimePass();
    await sweepFiles(whole);
    const fields = { filename: "a", purpose: "user_data", contentType: "text/plain", createdAtMs: 1 };
    const file = { id, project: PROJECT, bytes, sha256, ...fields, blobs: [{ key: id, bytes }] };
    await expect(recordFile(whole, hold, file)).rejects.toMatchObject({ status: 503 });
  }
  await expectConsistent();
});

test("an expired file is unknown at once, and its bytes go with the next sweep", async () => {
  const id = newFileId();
  await upload(whole, id);
  const file = (await storage.files.read(PROJECT, id, storage.clock.nowMs()))!;
  const expiring = { ...file, id: newFileId(), expiresAtMs: storage.clock.nowMs() - 1, blobs: [] };
  await storage.redis.zadd(storage.layout.blobs[0], 1e15, "");
  await storage.files.record(expiring);
  expect(await storage.files.read(PROJECT, expiring.id, storage.clock.nowMs())).toBeUndefined();
  expect(await listFileIds()).not.toContain(expiring.id);
  await sweepFiles(whole);
  expect(await storage.redis.exists(storage.layout.file(expiring.id))).toBe(0);
  expect(await storage.redis.zcard(storage.layout.fileExpiries)).toBe(0);
  await expectConsistent();
});
