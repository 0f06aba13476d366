import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { S3Blobs } from "../../../src/blobs/s3-blobs.ts";
import { testBlobStore } from "../../support/blob-store-suite.ts";
import { BUCKET, startS3Server } from "../../support/s3-server.ts";

const server = await startS3Server();
afterAll(async () => await server[Symbol.asyncDispose]());
const KEY = "file-0123456789abcdef";
const NEVER = new AbortController().signal;
const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };

function open(changes: Partial<ConstructorParameters<typeof S3Blobs>[0]> = {}): S3Blobs {
  const settings = { bucket: BUCKET, prefix: "br/", region: "us-east-1", endpoint: server.url, hasPathStyle: true };
  return new S3Blobs({ ...settings, credentials, ...changes });
}

async function* sourceOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe("a bucket", () => {
  testBlobStore(
    () => open(),
    async () => await server.listKeys(),
  );
});

test("two prefixes share a bucket", async () => {
  const [mine, theirs] = [open({ prefix: "mine/" }), open({ prefix: "theirs/" })];
  await mine.put(KEY, sourceOf(Buffer.from("x")), NEVER);
  expect(await theirs.open(KEY)).toBeUndefined();
  await theirs.delete(KEY);
  expect(await mine.open(KEY)).toBeDefined();
  await mine.delete(KEY);
});

test.each([
  ["a service that is away", { endpoint: "http://127.0.0.1:1" }],
  ["a wrong secret", { credentials: { accessKeyId: "S3RVER", secretAccessKey: "wrong" } }],
  ["a bucket that does not exist", { bucket: "nothing" }],
])("%s is an error of the store", async (_name, changes) => {
  const store = open(changes);
  const error = { name: "BlobStoreError", reason: "unreachable" };
  await expect(store.put(KEY, sourceOf(Buffer.from("x")), NEVER)).rejects.toMatchObject(error);
  await expect(store.put(KEY, sourceOf(randomBytes(20_000_000)), NEVER)).rejects.toMatchObject(error);
  await expect(store.open(KEY)).rejects.toMatchObject(error);
  await expect(store.delete(KEY)).rejects.toMatchObject(error);
});
