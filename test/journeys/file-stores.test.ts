/** The API over an S3-compatible service, and while a store of files does not work. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { afterAll, expect, test } from "vitest";
import { RedisInspector } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { startS3Server } from "../support/s3-server.ts";

const s3 = await startS3Server();
const folder = await mkdtemp(join(tmpdir(), "file-stores-"));
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
const clientOf = (baseURL: string) => new OpenAI({ apiKey: "any", baseURL, maxRetries: 0 });

test("files are in the bucket, in one part or in several", { timeout: 60_000 }, async () => {
  const environment = { KEY_PREFIX: uniquePrefix(), ...s3.settings };
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const client = clientOf(api.url);
  for (const size of [10, 20_000_000]) {
    const bytes = randomBytes(size);
    const { id } = await client.files.create({ file: await toFile(bytes, "a.bin"), purpose: "user_data" });
    const content = await client.files.content(id);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(`${api.url}/files/${id}/content`, { headers: { range: "bytes=3-7" } });
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(3, 8));
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: [{ type: "input_file", file_id: id }] }];
    expect((await client.responses.create({ model: "simulator/default", input })).status).toBe("completed");
    await client.files.delete(id);
    await expect(client.files.content(id)).rejects.toMatchObject({ status: 404 });
  }
  const secrets = JSON.stringify([...api.lines, ...worker.lines]);
  expect(secrets).not.toContain("SECRET");
});

test("a service that is away answers 503, and nothing is half-stored", { timeout: 60_000 }, async () => {
  const environment = { KEY_PREFIX: uniquePrefix(), ...s3.settings, S3_ENDPOINT: "http://127.0.0.1:1" };
  await using api = await startApi(environment);
  using inspector = new RedisInspector(environment.KEY_PREFIX);
  const client = clientOf(api.url);
  const unavailable = { status: 503, code: "service_unavailable", type: "server_error" };
  const upload = async () => {
    const file = await toFile(randomBytes(1_000_000), "a.bin");
    return await client.files.create({ file, purpose: "user_data" });
  };
  const error: unknown = await upload().catch((each: unknown) => each);
  expect(error).toMatchObject(unavailable);
  expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get("retry-after")).toBe("2");
  expect((await client.files.list()).data).toEqual([]);
  const [sums] = inspector.layout.storedBytes("default");
  expect(Number(await inspector.redis.hget(sums, "default"))).toBe(0);
  const [pending, condemned] = inspector.layout.blobs;
  expect(await inspector.redis.zcard(pending)).toBe(0);

  // Deleting works while the service is away: the bytes go once it is back.
  await using healthy = await startApi({ ...environment, ...s3.settings });
  const { id } = await clientOf(healthy.url).files.create({
    file: await toFile(Buffer.from("x"), "x"),
    purpose: "vision",
  });
  await expect(client.files.content(id)).rejects.toMatchObject(unavailable);
  expect((await client.files.delete(id)).deleted).toBe(true);
  expect(await inspector.redis.zrange(condemned, "0", "-1")).toContain(id);
  await using _worker = await startWorker({ ...environment, ...s3.settings });
  await pollUntil(async () => (await inspector.redis.zcard(condemned)) === 0);
});

test("a response whose files cannot be read waits for the store", { timeout: 60_000 }, async () => {
  const environment = { KEY_PREFIX: uniquePrefix(), ...s3.settings };
  await using api = await startApi(environment);
  using inspector = new RedisInspector(environment.KEY_PREFIX);
  const client = clientOf(api.url);
  const { id } = await client.files.create({ file: await toFile(Buffer.from("x"), "x.txt"), purpose: "user_data" });
  const away = await startWorker({ ...environment, S3_ENDPOINT: "http://127.0.0.1:1" });
  const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: [{ type: "input_file", file_id: id }] }];
  const response = await client.responses.create({ model: "simulator/default", input, background: true });
  await away.line(({ msg, responseId }) => responseId === response.id && /wait/i.test(msg), "waiting");
  await away[Symbol.asyncDispose]();
  expect(await inspector.inFlight()).toEqual([response.id]);
  await using _worker = await startWorker(environment);
  const ended = await pollUntil(
    async () => await client.responses.retrieve(response.id),
    ({ status }) => status === "completed" || status === "failed",
  );
  expect(ended.status).toBe("completed");
});

test("a folder that cannot be written answers 503", { timeout: 60_000 }, async () => {
  const file = join(folder, "a-file");
  await writeFile(file, "");
  await using api = await startApi({ KEY_PREFIX: uniquePrefix(), FILES_FOLDER: file });
  const upload = toFile(Buffer.from("x"), "x");
  await expect(clientOf(api.url).files.create({ file: await upload, purpose: "user_data" })).rejects.toMatchObject({
    status: 503,
    code: "service_unavailable",
  });
});
