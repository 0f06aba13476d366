/** Uploads in parts through the official clients. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import OpenAI6, { toFile as toFile6 } from "openai-6";
import { afterAll, expect, test } from "vitest";
import { pollUntil } from "../support/poll-until.ts";
import { listStoredFiles } from "../support/stored-files.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const folder = await mkdtemp(join(tmpdir(), "uploads-test-"));
afterAll(async () => await rm(folder, { recursive: true }));
const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001",
  FILES_FOLDER: folder,
  MAX_STORED_BYTES_PER_PROJECT: "10000000",
  MAX_UPLOAD_BYTES: "20000000",
};
const { api, inspector } = await openTestServerWithWorker(environment);
const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: api.url, maxRetries: 0 });
const [alpha, beta] = [clientOf("key-of-alpha-0001"), clientOf("key-of-beta-00001")];
const begin = async (bytes: number, more: Partial<OpenAI.UploadCreateParams> = {}) =>
  await alpha.uploads.create({ bytes, filename: "a.txt", mime_type: "text/plain", purpose: "user_data", ...more });
const addPart = async (id: string, bytes: Buffer | string) =>
  (await alpha.uploads.parts.create(id, { data: await toFile(Buffer.from(bytes), "blob") })).id;

const listStored = async () => await listStoredFiles(folder);

test("parts become one file, in the order that completes them", async () => {
  const bytes = randomBytes(3_000_000);
  const upload = await begin(bytes.length, {
    filename: "../big.bin",
    expires_after: { anchor: "created_at", seconds: 7_200 },
  });
  expect(upload).toEqual({
    id: expect.stringMatching(/^upload_[0-9a-f]{32}$/),
    object: "upload",
    bytes: 3_000_000,
    created_at: expect.any(Number),
    expires_at: upload.created_at + 3_600,
    filename: "big.bin",
    purpose: "user_data",
    status: "pending",
  });
  const ranges = [bytes.subarray(2_000_000), bytes.subarray(0, 1_500_000), bytes.subarray(1_500_000, 2_000_000)];
  const [last, first, middle] = await Promise.all(ranges.map((part) => addPart(upload.id, part)));
  const unused = await addPart(upload.id, "sent again");
  expect(await listStored()).toContain(unused);
  const part_ids = [first!, middle!, last!];
  const md5 = createHash("md5").update(bytes).digest("hex");
  const completed = await alpha.uploads.complete(upload.id, { part_ids, md5 });
  const file = completed.file!;
  expect(completed).toEqual({ ...upload, status: "completed", file });
  expect(file).toMatchObject({ bytes: 3_000_000, filename: "big.bin", purpose: "user_data", status: "processed" });
  expect(file.expires_at! - file.created_at).toBe(7_200);
  expect(await alpha.files.retrieve(file.id)).toEqual(file);
  const content = await alpha.files.content(file.id);
  expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
  const headers = { authorization: "Bearer key-of-alpha-0001", range: "bytes=1499998-2000001" };
  const across = await fetch(`${api.url}/files/${file.id}/content`, { headers });
  expect(Buffer.from(await across.arrayBuffer()).equals(bytes.subarray(1_499_998, 2_000_002))).toBe(true);
  expect(await listStored()).not.toContain(unused);

  await expect(addPart(upload.id, "x")).rejects.toMatchObject({ status: 400, code: "upload_not_pending" });
  await expect(alpha.uploads.cancel(upload.id)).rejects.toMatchObject({ status: 400, code: "upload_not_pending" });
  expect(await alpha.uploads.complete(upload.id, { part_ids })).toEqual(completed);
  await expect(alpha.uploads.complete(upload.id, { part_ids: [first!] })).rejects.toMatchObject({ status: 400 });
  await alpha.files.delete(file.id);
  await pollUntil(async () => (await listStored()).length === 0);
});

test("the older client completes an upload", async () => {
  const client = new OpenAI6({ apiKey: "key-of-alpha-0001", baseURL: api.url, maxRetries: 0 });
  const fields = { filename: "old.md", mime_type: "text/markdown", purpose: "assistants" } as const;
  const { id } = await client.uploads.create({ bytes: 3, ...fields });
  const part = await client.uploads.parts.create(id, { data: await toFile6(Buffer.from("old"), "part") });
  const { file } = await client.uploads.complete(id, { part_ids: [part.id] });
  expect(await (await client.files.content(file!.id)).text()).toBe("old");
  await client.files.delete(file!.id);
});

test("of two completions at once, one wins", async () => {
  const { id } = await begin(2);
  const [a, b] = [await addPart(id, "a"), await addPart(id, "b")];
  const orders = [
    [a, b],
    [b, a],
    [a, b],
    [b, a],
  ];
  const outcomes = await Promise.allSettled(orders.map((part_ids) => alpha.uploads.complete(id, { part_ids })));
  const made = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value.file!.id] : []));
  expect(new Set(made).size).toBe(1);
  expect((await alpha.files.list()).data.map((file) => file.id)).toEqual([made[0]]);
  const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  for (const error of errors) expect(error).toMatchObject({ code: "upload_not_pending" });
  await alpha.files.delete(made[0]!);
});

test("a completion and a cancel at once leave a file or nothing", async () => {
  for (let i = 0; i < 5; i += 1) {
    const { id } = await begin(1);
    const part = await addPart(id, "a");
    const [completed, cancelled] = await Promise.allSettled([
      alpha.uploads.complete(id, { part_ids: [part] }),
      alpha.uploads.cancel(id),
    ]);
    expect([completed.status, cancelled.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    const files = (await alpha.files.list()).data;
    expect(files.length).toBe(completed.status === "fulfilled" ? 1 : 0);
    for (const file of files) {
      expect(await (await alpha.files.content(file.id)).text()).toBe("a");
      await alpha.files.delete(file.id);
    }
  }
  await pollUntil(async () => (await listStored()).length === 0);
});

test("cancelling deletes the parts, and can be repeated", async () => {
  const upload = await begin(1_000);
  await addPart(upload.id, "some");
  const cancelled = await alpha.uploads.cancel(upload.id);
  expect(cancelled).toEqual({ ...upload, status: "cancelled" });
  expect(await alpha.uploads.cancel(upload.id)).toEqual(cancelled);
  expect(await listStored()).toEqual([]);
  await expect(addPart(upload.id, "x")).rejects.toMatchObject({ code: "upload_not_pending" });
  await expect(alpha.uploads.complete(upload.id, { part_ids: ["part_1"] })).rejects.toMatchObject({
    code: "upload_not_pending",
  });
  const [sums] = inspector.layout.storedBytes("alpha");
  expect(Number(await inspector.redis.hget(sums, "alpha"))).toBe(0);
});

test("parts must be known, named once, and have the announced bytes and checksum", async () => {
  const { id } = await begin(4);
  const [a, b] = [await addPart(id, "ab"), await addPart(id, "cd")];
  const complete = async (part_ids: string[], md5?: string) =>
    await alpha.uploads.complete(id, { part_ids, ...(md5 !== undefined && { md5 }) });
  const bad = { status: 400 };
  await expect(complete([a, "part_nobody"])).rejects.toMatchObject({ ...bad, param: "part_ids[1]" });
  await expect(complete([a, a])).rejects.toMatchObject({ ...bad, param: "part_ids[1]" });
  await expect(complete([a])).rejects.toMatchObject({ ...bad, code: "upload_size_mismatch", param: "part_ids" });
  await expect(complete([])).rejects.toMatchObject({ ...bad, code: "array_below_min_length" });
  await expect(complete([a, b], "0".repeat(32))).rejects.toMatchObject({
    ...bad,
    code: "checksum_mismatch",
    param: "md5",
  });
  await expect(complete([a, b], "nonsense")).rejects.toMatchObject({ ...bad, param: "md5" });
  const { file } = await complete([b, a], createHash("md5").update("cdab").digest("hex").toUpperCase());
  expect(await (await alpha.files.content(file!.id)).text()).toBe("cdab");
  await alpha.files.delete(file!.id);
});

test("parts have at most twice the bytes of their upload", async () => {
  const { id } = await begin(10);
  await addPart(id, "x".repeat(10));
  await expect(addPart(id, "x".repeat(11))).rejects.toMatchObject({ status: 400, code: "upload_full", param: "data" });
  await addPart(id, "x".repeat(10));
  await expect(addPart(id, "x")).rejects.toMatchObject({ code: "upload_full" });
  await expect(addPart(id, "")).rejects.toMatchObject({ status: 400 });
  await alpha.uploads.cancel(id);
  expect(await listStored()).toEqual([]);
});

test("the bytes count from the creation of the upload", async () => {
  const first = await begin(9_000_000);
  await expect(begin(2_000_000)).rejects.toMatchObject({ status: 429, code: "insufficient_quota" });
  await expect(begin(20_000_001)).rejects.toMatchObject({ status: 400, param: "bytes" });
  await expect(begin(0)).rejects.toMatchObject({ code: "integer_below_min_value", param: "bytes" });
  await alpha.uploads.cancel(first.id);
  await alpha.uploads.cancel((await begin(2_000_000)).id);
});

test("an upload expires with its parts", async () => {
  const { id } = await begin(10);
  await addPart(id, "0123456789");
  const [record] = inspector.layout.upload(id);
  const properties = JSON.parse((await inspector.redis.hget(record, "json"))!) as object;
  await inspector.redis.hset(record, "json", JSON.stringify({ ...properties, expiresAtMs: 1 }));
  await expect(addPart(id, "x")).rejects.toMatchObject({ status: 400, message: expect.stringContaining("'expired'") });
  await inspector.redis.zadd(inspector.layout.uploadExpiries, 1, id);
  await pollUntil(async () => (await listStored()).length === 0);
  expect(await inspector.redis.hget(record, "status")).toBe("expired");
  await expect(alpha.uploads.cancel(id)).rejects.toMatchObject({ code: "upload_not_pending" });
});

test("another project's upload is an unknown upload", async () => {
  const { id } = await begin(1);
  for (const each of [id, "upload_unknown", "nonsense"]) {
    const unknown = { status: 404, error: { message: `No such Upload object: ${each}`, param: "id" } };
    await expect(beta.uploads.cancel(each)).rejects.toMatchObject(unknown);
    await expect(beta.uploads.complete(each, { part_ids: ["part_1"] })).rejects.toMatchObject(unknown);
    const data = await toFile(Buffer.from("x"), "x");
    await expect(beta.uploads.parts.create(each, { data })).rejects.toMatchObject(unknown);
  }
  await alpha.uploads.cancel(id);
});
