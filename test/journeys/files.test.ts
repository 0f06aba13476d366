/** Files through the official clients, and as other programs send them. */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import OpenAI, { toFile } from "openai";
import OpenAI6, { toFile as toFile6 } from "openai-6";
import { afterAll, expect, test } from "vitest";
import { listStoredFiles } from "../support/stored-files.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { pollUntil } from "../support/poll-until.ts";

const folder = await mkdtemp(join(tmpdir(), "files-test-"));
afterAll(async () => await rm(folder, { recursive: true }));
const stored = join(folder, "stored");
const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001",
  FILES_FOLDER: stored,
  MAX_FILE_BYTES: String(4 * 1024 * 1024),
  MAX_STORED_BYTES_PER_PROJECT: String(12 * 1024 * 1024),
};
const { api, inspector } = await openTestServerWithWorker(environment);
const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: api.url, maxRetries: 0 });
const [alpha, beta] = [clientOf("key-of-alpha-0001"), clientOf("key-of-beta-00001")];
const ALPHA = { authorization: "Bearer key-of-alpha-0001" };

const listStored = async () => await listStoredFiles(stored);

test("a client uploads, reads and deletes a file", async () => {
  const bytes = randomBytes(3_000_000);
  const path = join(folder, "birds of prey.bin");
  await writeFile(path, bytes);
  const file = await alpha.files.create({ file: createReadStream(path), purpose: "user_data" });
  expect(file).toEqual({
    id: expect.stringMatching(/^file-[0-9a-f]{32}$/),
    object: "file",
    bytes: 3_000_000,
    created_at: expect.any(Number),
    filename: "birds of prey.bin",
    purpose: "user_data",
    status: "processed",
  });
  expect(await alpha.files.retrieve(file.id)).toEqual(file);
  expect(await alpha.files.waitForProcessing(file.id)).toEqual(file);
  expect((await alpha.files.list()).data).toEqual([file]);
  const content = await alpha.files.content(file.id);
  expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
  expect(content.headers.get("etag")).toBe(`"${createHash("sha256").update(bytes).digest("hex")}"`);
  expect(content.headers.get("content-disposition")).toBe('attachment; filename="birds of prey.bin"');

  expect(await alpha.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
  await expect(alpha.files.retrieve(file.id)).rejects.toMatchObject({ status: 404, param: "id" });
  await expect(alpha.files.delete(file.id)).rejects.toMatchObject({ status: 404 });
  expect(await listStored()).toEqual([]);
});

/** A form as bytes, with parts in the given order. */
function formOf(parts: readonly { head: string; content: string | Buffer }[], end = "--edge--\r\n") {
  const chunks = parts.flatMap(({ head, content }) => [
    `--edge\r\nContent-Disposition: form-data; ${head}\r\n\r\n`,
    content,
    "\r\n",
  ]);
  return Buffer.concat([...chunks, end].map((chunk) => Buffer.from(chunk)));
}
const FORM = { "content-type": "multipart/form-data; boundary=edge" };
const field = (name: string, content: string) => ({ head: `name="${name}"`, content });
const purpose = field("purpose", "user_data");
const fileNamed = (filename: string, content: string | Buffer = "some words") => ({
  head: `name="file"; filename="${filename}"`,
  content,
});

async function post(body: BodyInit, headers: Record<string, string> = FORM) {
  const answer = await fetch(`${api.url}/files`, { method: "POST", body, headers: { ...ALPHA, ...headers } });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

test("fields may come after the file, as curl sends them in any order", async () => {
  const parts = [fileNamed("notes.md"), field("expires_after[seconds]", "3600"), purpose];
  const { status, body } = await post(formOf([...parts, field("expires_after[anchor]", "created_at")]));
  expect(status).toBe(200);
  expect(body).toMatchObject({ filename: "notes.md", bytes: 10, purpose: "user_data" });
  expect(Number(body["expires_at"]) - Number(body["created_at"])).toBe(3_600);
  const content = await fetch(`${api.url}/files/${String(body["id"])}/content`, { headers: ALPHA });
  expect(content.headers.get("content-type")).toBe("text/markdown");
  expect(content.headers.get("x-content-type-options")).toBe("nosniff");
  await alpha.files.delete(String(body["id"]));
});

test("files for batches expire by default, others on request", async () => {
  const batch = await alpha.files.create({ file: await toFile(Buffer.from("{}\n"), "a.jsonl"), purpose: "batch" });
  expect(batch.expires_at! - batch.created_at).toBe(30 * 86_400);
  const file = await toFile(Buffer.from("x"), "x.txt");
  const expires_after = { anchor: "created_at" as const, seconds: 7_200 };
  const short = await alpha.files.create({ file, purpose: "assistants", expires_after });
  expect(short.expires_at! - short.created_at).toBe(7_200);
  await Promise.all([batch, short].map(({ id }) => alpha.files.delete(id)));
});

test.each<[string, Buffer, Record<string, unknown>]>([
  ["no file", formOf([purpose]), { param: "file", code: "missing_required_parameter" }],
  ["no purpose", formOf([fileNamed("a.txt")]), { param: "purpose", code: "missing_required_parameter" }],
  ["no field at all", formOf([]), { param: "purpose", code: "missing_required_parameter" }],
  [
    "an unknown purpose",
    formOf([field("purpose", "fun"), fileNamed("a.txt")]),
    { param: "purpose", code: "invalid_value" },
  ],
  [
    "an unknown field",
    formOf([purpose, field("color", "red"), fileNamed("a.txt")]),
    { param: "color", code: "unknown_parameter" },
  ],
  [
    "a file of another name",
    formOf([purpose, { head: 'name="image"; filename="a"', content: "x" }]),
    { param: "image", code: "unknown_parameter" },
  ],
  ["two files", formOf([purpose, fileNamed("a.txt"), fileNamed("b.txt")]), { param: "file", code: "invalid_value" }],
  ["a text in place of the file", formOf([purpose, field("file", "words")]), { param: "file", code: "invalid_type" }],
  ["an empty file", formOf([purpose, fileNamed("a.txt", "")]), { param: "file", message: "File is empty." }],
  [
    "too short an expiry",
    formOf([
      purpose,
      fileNamed("a.txt"),
      field("expires_after[anchor]", "created_at"),
      field("expires_after[seconds]", "60"),
    ]),
    { param: "expires_after.seconds", code: "integer_below_min_value" },
  ],
  [
    "an expiry in words",
    formOf([
      purpose,
      fileNamed("a.txt"),
      field("expires_after[anchor]", "created_at"),
      field("expires_after[seconds]", "soon"),
    ]),
    { param: "expires_after.seconds", code: "invalid_type" },
  ],
  [
    "an expiry without anchor",
    formOf([purpose, fileNamed("a.txt"), field("expires_after[seconds]", "3600")]),
    { param: "expires_after.anchor", code: "missing_required_parameter" },
  ],
  [
    "another anchor",
    formOf([
      purpose,
      fileNamed("a.txt"),
      field("expires_after[anchor]", "now"),
      field("expires_after[seconds]", "3600"),
    ]),
    { param: "expires_after.anchor", code: "invalid_value" },
  ],
  ["a form that stops early", formOf([purpose, fileNamed("a.txt")], ""), { code: "invalid_multipart_form_data" }],
  ["no form", Buffer.from("hello"), { code: "invalid_multipart_form_data" }],
])("%s gets 400, and nothing is stored", async (_name, body, error) => {
  const answer = await post(new Uint8Array(body));
  expect(answer).toMatchObject({ status: 400, body: { error: { type: "invalid_request_error", ...error } } });
  expect(await listStored()).toEqual([]);
});

test.each([
  ["JSON", { "content-type": "application/json" }],
  ["a form without boundary", { "content-type": "multipart/form-data" }],
  ["a form of another kind", { "content-type": "application/x-www-form-urlencoded" }],
  ["a compressed form", { ...FORM, "content-encoding": "gzip" }],
])("%s gets 415", async (_name, headers) => {
  const answer = await post(new Uint8Array(formOf([purpose, fileNamed("a.txt")])), headers);
  expect(answer).toMatchObject({ status: 415, body: { error: { type: "invalid_request_error" } } });
});

test("a file above the limit gets 413, announced or not", async () => {
  const body = new Uint8Array(formOf([purpose, fileNamed("a.bin", Buffer.alloc(4 * 1024 * 1024 + 1))]));
  const expected = { status: 413, body: { error: { param: "file", code: "file_too_large" } } };
  expect(await post(body)).toMatchObject(expected);
  const { port, hostname } = new URL(api.url);
  const huge = await sendHead(hostname, Number(port), 10 ** 12);
  expect(huge).toContain("HTTP/1.1 413");
  expect(huge).toContain("file_too_large");
  await pollUntil(async () => (await listStored()).length === 0);
  const fitting = new Uint8Array(formOf([purpose, fileNamed("a.bin", Buffer.alloc(4 * 1024 * 1024))]));
  const { status, body: file } = await post(fitting);
  expect(status).toBe(200);
  await alpha.files.delete(String(file["id"]));
});

test("a connection that is cut leaves nothing", async () => {
  const { port, hostname } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  const body = formOf([purpose, fileNamed("a.bin", Buffer.alloc(1_000_000, "a"))]);
  socket.write(headOf(hostname, body.length));
  socket.write(body.subarray(0, 900_000));
  await pollUntil(async () => (await listStored()).length === 1);
  const [pending] = inspector.layout.blobs;
  expect(await inspector.redis.zcard(pending)).toBe(1);
  socket.destroy();
  await pollUntil(async () => (await listStored()).length === 0);
  await pollUntil(async () => (await inspector.redis.zcard(pending)) === 0);
  expect((await alpha.files.list()).data).toEqual([]);
  const [sums] = inspector.layout.storedBytes("alpha");
  await pollUntil(async () => Number(await inspector.redis.hget(sums, "alpha")) === 0);
});

test.each([
  ["../../etc/passwd", "passwd"],
  [String.raw`C:\docs\plan.docx`, "plan.docx"],
  ["a\u0001b\u007f.txt", "ab.txt"],
  ["report\u202efdp.exe", "reportfdp.exe"],
  [`${"ä".repeat(150)}.pdf`, `${"ä".repeat(125)}.pdf`],
  ["..", "unnamed"],
  ["", "unnamed"],
  ["资料.txt", "资料.txt"],
])("the name %j is kept as %j", async (sent, kept) => {
  const { status, body } = await post(new Uint8Array(formOf([purpose, fileNamed(sent)])));
  expect([status, body["filename"]]).toEqual([200, kept]);
  await alpha.files.delete(String(body["id"]));
});

test("a name in the form of RFC 5987 is decoded", async () => {
  const part = { head: "name=\"file\"; filename*=utf-8''%E8%B5%84%E6%96%99.txt", content: "x" };
  const { body } = await post(new Uint8Array(formOf([purpose, part])));
  expect(body["filename"]).toBe("资料.txt");
  await alpha.files.delete(String(body["id"]));
});

test("curl uploads with -F", async () => {
  const path = join(folder, "curl.csv");
  await writeFile(path, "a,b\n1,2\n".repeat(200_000));
  const args = ["-sS", `${api.url}/files`, "-H", `Authorization: ${ALPHA.authorization}`, "-F", "purpose=user_data"];
  const { stdout } = await promisify(execFile)("curl", [...args, "-F", `file=@${path}`]);
  const file = JSON.parse(stdout) as { id: string };
  expect(file).toMatchObject({ filename: "curl.csv", bytes: 1_600_000 });
  await alpha.files.delete(file.id);
});

test("the older client works too", async () => {
  const client = new OpenAI6({ apiKey: "key-of-alpha-0001", baseURL: api.url, maxRetries: 0 });
  const upload = await toFile6(Buffer.from("old"), "old.txt");
  const { id } = await client.files.create({ file: upload, purpose: "assistants" });
  expect(await (await client.files.content(id)).text()).toBe("old");
  expect((await client.files.delete(id)).deleted).toBe(true);
});

test("content comes whole, in ranges, or not again", async () => {
  const file = await toFile(Buffer.from("0123456789"), "digits.txt");
  const { id } = await alpha.files.create({ file, purpose: "user_data" });
  const get = async (headers: Record<string, string>, method = "GET") => {
    const answer = await fetch(`${api.url}/files/${id}/content`, { method, headers: { ...ALPHA, ...headers } });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  const whole = await get({});
  expect(whole).toMatchObject({ status: 200, text: "0123456789" });
  const etag = whole.headers.get("etag")!;
  const head = await get({}, "HEAD");
  expect([head.status, head.text, head.headers.get("content-length")]).toEqual([200, "", "10"]);
  const part = await get({ range: "bytes=2-4" });
  expect(part).toMatchObject({ status: 206, text: "234" });
  expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
  expect(await get({ range: "bytes=7-" })).toMatchObject({ status: 206, text: "789" });
  expect(await get({ range: "bytes=-3" })).toMatchObject({ status: 206, text: "789" });
  expect(await get({ range: "bytes=0-99" })).toMatchObject({ status: 206, text: "0123456789" });
  const beyond = await get({ range: "bytes=10-" });
  expect(beyond.status).toBe(416);
  expect(beyond.headers.get("content-range")).toBe("bytes */10");
  // A server may answer with everything.
  expect(await get({ range: "bytes=0-1,4-5" })).toMatchObject({ status: 200, text: "0123456789" });
  expect(await get({ range: "lines=1-2" })).toMatchObject({ status: 200 });
  expect(await get({ "if-none-match": `"other", W/${etag}` })).toMatchObject({ status: 304, text: "" });
  expect(await get({ "if-none-match": '"other"' })).toMatchObject({ status: 200 });
  expect(await get({ range: "bytes=1-1", "if-range": etag })).toMatchObject({ status: 206, text: "1" });
  expect(await get({ range: "bytes=1-1", "if-range": '"other"' })).toMatchObject({ status: 200 });
  await alpha.files.delete(id);
});

test("lists have pages, orders and purposes", async () => {
  const ids: string[] = [];
  for (const [i, purposeOf] of (["user_data", "vision", "user_data", "evals"] as const).entries()) {
    const file = await toFile(Buffer.from(`${i}`), `${i}.txt`);
    ids.push((await alpha.files.create({ file, purpose: purposeOf })).id);
  }
  const idsOf = async (query: OpenAI.FileListParams) => (await alpha.files.list(query)).data.map(({ id }) => id);
  expect(await idsOf({ order: "asc" })).toEqual(ids);
  expect(await idsOf({})).toEqual(ids.toReversed());
  expect(await idsOf({ purpose: "user_data", order: "asc" })).toEqual([ids[0], ids[2]]);
  expect(await idsOf({ order: "asc", after: ids[1]!, limit: 1 })).toEqual([ids[2]]);
  const seen: string[] = [];
  for await (const { id } of alpha.files.list({ limit: 1, order: "asc" })) seen.push(id);
  expect(seen).toEqual(ids);
  await alpha.files.delete(ids[1]!);
  expect(await idsOf({ order: "asc", after: ids[1]! })).toEqual([ids[2], ids[3]]);
  await expect(idsOf({ after: "file-nobody" })).rejects.toMatchObject({ status: 400, param: "after" });
  await expect(idsOf({ limit: 0 })).rejects.toMatchObject({ code: "integer_below_min_value" });
  await expect(idsOf({ limit: 10_001 })).rejects.toMatchObject({ code: "integer_above_max_value" });
  await Promise.all([ids[0]!, ids[2]!, ids[3]!].map((id) => alpha.files.delete(id)));
});

test("another project's file is an unknown file", async () => {
  const { id } = await alpha.files.create({ file: await toFile(Buffer.from("mine"), "a.txt"), purpose: "user_data" });
  const unknown = (each: string) => ({
    status: 404,
    error: { message: `No such File object: ${each}`, type: "invalid_request_error", param: "id", code: null },
  });
  for (const each of [id, "file-unknown", "nonsense"]) {
    await expect(beta.files.retrieve(each)).rejects.toMatchObject(unknown(each));
    await expect(beta.files.content(each)).rejects.toMatchObject(unknown(each));
    await expect(beta.files.delete(each)).rejects.toMatchObject(unknown(each));
  }
  await expect(beta.files.list({ after: id })).rejects.toMatchObject({ status: 400, param: "after" });
  expect((await beta.files.list()).data).toEqual([]);
  await alpha.files.delete(id);
});

test("a project without space gets 429 before its bytes are taken", async () => {
  const big = new Uint8Array(formOf([purpose, fileNamed("a.bin", Buffer.alloc(4_000_000))]));
  const files = [await post(big), await post(big), await post(big)];
  expect(files.map(({ status }) => status)).toEqual([200, 200, 200]);
  const full = await post(big);
  expect(full).toMatchObject({ status: 429, body: { error: { code: "insufficient_quota" } } });
  expect(full.headers.get("x-should-retry")).toBe("false");
  expect((await listStored()).length).toBe(3);
  await alpha.files.delete(String(files[0]!.body["id"]));
  expect((await post(big)).status).toBe(200);
  for (const { id } of (await alpha.files.list()).data) await alpha.files.delete(id);
});

function headOf(host: string, length: number): string {
  return [
    "POST /v1/files HTTP/1.1",
    `Host: ${host}`,
    `Authorization: ${ALPHA.authorization}`,
    `Content-Type: ${FORM["content-type"]}`,
    `Content-Length: ${length}`,
    "\r\n",
  ].join("\r\n");
}

/** The answer to a request whose body does not arrive. */
async function sendHead(host: string, port: number, length: number): Promise<string> {
  const socket = connect(port, host);
  socket.write(headOf(host, length));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
