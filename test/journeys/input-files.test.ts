/** Files in the input of responses, in the form in which each provider gets them. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { afterAll, expect, test } from "vitest";
import { answerOf } from "../support/ai-sdk.ts";
import { PromptFolder } from "../support/prompt-files.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import * as upstream from "../support/upstream-server.ts";

const { created, message, completed, streamAndEnd, startUpstreamServer } = upstream;
const GUIDE = readFileSync(join(import.meta.dirname, "../workers/documents/fixtures/guide.pdf"));
const REPORT = readFileSync(join(import.meta.dirname, "../workers/documents/fixtures/report.docx"));
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const responses = await startUpstreamServer(streamAndEnd(created(), ...message(0, "msg_1", ["Hi"]), completed()));
const chat = await startUpstreamServer(answerOf("openai-compatible", ["Hi"]));
const site = createServer(({ url }, response) => {
  if (url === "/guide.pdf") response.end(GUIDE);
  else response.writeHead(404).end();
});
await once(site.listen(0, "127.0.0.1"), "listening");
const siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
const folder = await PromptFolder.create({
  "providers.json": {
    providers: {
      native: { kind: "openai-responses", base_url: responses.url },
      texts: { kind: "openai-compatible", base_url: chat.url, vendor: "vllm" },
      pdfs: { kind: "openai-compatible", base_url: chat.url, vendor: "openai" },
    },
  },
});
const { api } = await openTestServerWithWorker({
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001",
  PROVIDERS_FILE: `${folder.path}/providers.json`,
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  FILES_FOLDER: join(folder.path, "files"),
  MAX_INPUT_FILE_BYTES: "1000000",
  UPSTREAM_MAX_RETRIES: "0",
});
afterAll(async () => {
  site.close();
  await Promise.all([responses, chat].map(async (server) => await server[Symbol.asyncDispose]()));
  await rm(join(folder.path, "files"), { recursive: true, force: true });
  await folder[Symbol.asyncDispose]();
});

const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: api.url, maxRetries: 0 });
const [alpha, beta] = [clientOf("key-of-alpha-0001"), clientOf("key-of-beta-00001")];
const upload = async (bytes: Buffer, name: string) =>
  (await alpha.files.create({ file: await toFile(bytes, name), purpose: "user_data" })).id;
type Part = OpenAI.Responses.ResponseInputContent;
const ask = async (model: string, ...content: Part[]) =>
  await alpha.responses.create({ model, input: [{ role: "user", content }] });
const lastBody = (server: upstream.UpstreamServer) => JSON.stringify(server.requests.at(-1)!.body);

test("a file by id goes to a provider of the same API as data with its name", async () => {
  const id = await upload(GUIDE, "guide.pdf");
  const response = await ask("native/m", { type: "input_text", text: "Sum up." }, { type: "input_file", file_id: id });
  expect(response.status).toBe("completed");
  expect(lastBody(responses)).toContain(
    JSON.stringify({
      type: "input_file",
      file_data: `data:application/pdf;base64,${GUIDE.toString("base64")}`,
      filename: "guide.pdf",
    }),
  );
  const { data } = await alpha.responses.inputItems.list(response.id);
  expect(JSON.stringify(data)).toContain(id);
  expect(JSON.stringify(data)).not.toContain("base64");
});

test("a provider that reads no documents gets their text with page numbers", async () => {
  const id = await upload(GUIDE, "guide.pdf");
  expect((await ask("texts/m", { type: "input_file", file_id: id })).status).toBe("completed");
  expect(lastBody(chat)).toContain("[Page 2]");
  expect(lastBody(chat)).not.toContain(GUIDE.toString("base64").slice(0, 100));
});

test("a provider that reads PDFs gets them, and other documents as text", async () => {
  const [guide, report] = [await upload(GUIDE, "guide.pdf"), await upload(REPORT, "report.docx")];
  const parts = [guide, report].map((file_id) => ({ type: "input_file" as const, file_id }));
  expect((await ask("pdfs/m", ...parts)).status).toBe("completed");
  expect(lastBody(chat)).toContain(GUIDE.toString("base64"));
  expect(lastBody(chat)).not.toContain(REPORT.toString("base64"));
  expect(lastBody(chat)).toContain("report.docx");
});

test("inline documents and those at a URL are read too", async () => {
  const file_data = `data:application/pdf;base64,${GUIDE.toString("base64")}`;
  for (const part of [
    { type: "input_file" as const, filename: "inline.pdf", file_data },
    { type: "input_file" as const, file_url: `${siteUrl}/guide.pdf` },
  ]) {
    expect((await ask("texts/m", part)).status).toBe("completed");
    expect(lastBody(chat)).toContain("[Page 2]");
  }
  const url = `${siteUrl}/guide.pdf`;
  expect((await ask("native/m", { type: "input_file", file_url: url })).status).toBe("completed");
  expect(lastBody(responses)).toContain(JSON.stringify({ type: "input_file", file_url: url }));
});

test("an image by id is an image for every provider", async () => {
  const id = await upload(PIXEL, "pixel.png");
  const image = `data:image/png;base64,${PIXEL.toString("base64")}`;
  for (const [model, server] of [
    ["native/m", responses],
    ["texts/m", chat],
  ] as const) {
    expect((await ask(model, { type: "input_image", file_id: id, detail: "low" })).status).toBe("completed");
    expect(lastBody(server)).toContain(image);
  }
  const text = await upload(Buffer.from("no image"), "note.txt");
  expect((await ask("texts/m", { type: "input_image", file_id: text, detail: "low" })).error).toMatchObject({
    code: "unsupported_image_media_type",
  });
});

test("a text file is text for a provider of chat completions", async () => {
  const id = await upload(Buffer.from("# Mosses\n\nMoss is green."), "mosses.md");
  expect((await ask("texts/m", { type: "input_file", file_id: id })).status).toBe("completed");
  expect(lastBody(chat)).toContain("Moss is green.");
});

test("an unknown file is rejected with the path of its id", async () => {
  const id = await upload(GUIDE, "guide.pdf");
  const unknown = `${id.slice(0, -4)}0000`;
  const wrong = { status: 404, param: "input[0].content[0].file_id" };
  await expect(ask("texts/m", { type: "input_file", file_id: unknown })).rejects.toMatchObject(wrong);
  await expect(ask("texts/m", { type: "input_file", file_id: "file-of-a-vendor" })).rejects.toMatchObject(wrong);
  const content = [{ type: "input_file" as const, file_id: id }];
  const theirs = beta.responses.create({ model: "native/m", input: [{ role: "user", content }] });
  await expect(theirs).rejects.toMatchObject({
    ...wrong,
    message: expect.stringContaining(`No such File object: ${id}`),
  });
  const conversation = beta.conversations.create({ items: [{ type: "message", role: "user", content }] });
  await expect(conversation).rejects.toMatchObject({ status: 404, param: "items[0].content[0].file_id" });
});

test("ids of the provider's own files reach a provider of the same API", async () => {
  expect((await ask("native/m", { type: "input_file", file_id: "file-Qw3rTy" })).status).toBe("completed");
  expect(lastBody(responses)).toContain('"file_id":"file-Qw3rTy"');
});

test("files beyond the limit are rejected before the run", async () => {
  const id = await upload(Buffer.alloc(1_000_001, "a"), "long.txt");
  await expect(ask("texts/m", { type: "input_file", file_id: id })).rejects.toMatchObject({
    status: 400,
    code: "input_files_too_large",
    param: "input",
  });
});

test("a file that is deleted before the run reads it fails the response", async () => {
  const id = await upload(GUIDE, "guide.pdf");
  const first = await ask("texts/m", { type: "input_file", file_id: id });
  await alpha.files.delete(id);
  const next = await alpha.responses.create({ model: "texts/m", input: "And now?", previous_response_id: first.id });
  expect(next).toMatchObject({
    status: "failed",
    error: { code: "invalid_prompt", message: `The file '${id}' does not exist: it was deleted or has expired.` },
  });
});

test.each([
  ["does not exist", `${siteUrl}/nothing.pdf`, "status 404"],
  ["is not on the internet", "http://10.0.0.1/guide.pdf", "could not be loaded"],
  ["is no URL", "guide.pdf", "could not be loaded"],
])("a URL that %s fails the response", async (_name, file_url, reason) => {
  const { status, error } = await ask("texts/m", { type: "input_file", file_url });
  expect([status, error?.code]).toEqual(["failed", "invalid_prompt"]);
  expect(error?.message).toContain(reason);
});

test("a document that cannot be read fails the response with the reason", async () => {
  const broken = await upload(Buffer.concat([GUIDE.subarray(0, 600), Buffer.alloc(500)]), "broken.pdf");
  const { status, error } = await ask("texts/m", { type: "input_file", file_id: broken });
  expect([status, error?.code]).toEqual(["failed", "invalid_prompt"]);
  expect(error?.message).toContain('The file "broken.pdf" cannot be read.');
});
