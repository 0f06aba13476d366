/** No project blocks another's tool calls, neither with hanging code nor with hanging pages. */
import { expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { startWebSite } from "../support/web-site.ts";

const HOG = { authorization: "Bearer key-of-the-hog-00001" };
const OTHER = { authorization: "Bearer key-of-the-other-001" };
const API_KEYS = "hog:key-of-the-hog-00001,other:key-of-the-other-001";

const newEnvironment = (settings: Record<string, string>) => ({ KEY_PREFIX: uniquePrefix(), API_KEYS, ...settings });

/** A background response that makes this one call. */
const calling = (call: string, args: object, tool: object) =>
  simulate({ "step.1": JSON.stringify({ call, arguments: args }), delay_ms: 0 }, { tools: [tool] });

const stateOf = (response: Response) =>
  response.output.map(({ type, ...item }) => [type, "status" in item && item.status]);

test("hanging code in every interpreter leaves room for another project's cell", async () => {
  const environment = newEnvironment({ CODE_INTERPRETER_PROCESSES: "2", CODE_INTERPRETER_TIMEOUT_MS: "600000" });
  await using api = await startApi(environment);
  await using worker = await startWorker({ ...environment, DRAIN_GRACE_MS: "0" });
  const cell = (code: string) => calling("python", { code }, { type: "code_interpreter", container: { type: "auto" } });
  const hanging = cell("import time\nprint('hangs')\nwhile True: time.sleep(1)");
  const hog = await Promise.all(Array.from({ length: 6 }, () => create(api.url, hanging, HOG)));
  const isBegun = async ({ id }: Response) => {
    const { body } = await send("GET", `${api.url}/responses/${id}`, undefined, HOG);
    return body.output.some(({ type }) => type === "code_interpreter_call");
  };
  await expect.poll(async () => (await Promise.all(hog.map(isBegun))).every(Boolean), { timeout: 60_000 }).toBe(true);
  const quick = await create(api.url, cell("6 * 7"), OTHER);
  const ended = await pollToEnd(api.url, quick.id, OTHER);
  expect(stateOf(ended)).toEqual([
    ["code_interpreter_call", "completed"],
    ["message", "completed"],
  ]);
  // A waiting and a running call are cancelled alike.
  for (const { id } of hog) {
    const { body } = await send("POST", `${api.url}/responses/${id}/cancel`, undefined, HOG);
    expect(body.status).toBe("cancelled");
  }
  expect(await worker.stop()).toBe(0);
}, 120_000);

/** The parser's time grows with the square of the depth: it takes seconds. */
const DEEP = `${"<div>".repeat(600_000)}deep`;

test("pages that hang in fetching and in parsing leave room for another project's", async () => {
  await using site = await startWebSite({ "/deep": DEEP, "/hang": () => {}, "/plain": "<title>Plain</title><p>Moss." });
  const environment = newEnvironment({
    SEARXNG_URL: site.url,
    FETCH_ALLOWED_HOSTS: site.host,
    WEB_SEARCH_HONOUR_ROBOTS: "false",
    WEB_SEARCH_TIMEOUT_MS: "600000",
  });
  await using api = await startApi(environment);
  await using worker = await startWorker({ ...environment, DRAIN_GRACE_MS: "0" });
  const page = (path: string) => calling("open_page", { url: `${site.url}${path}` }, { type: "web_search" });
  const hog = [...Array.from({ length: 30 }, () => page("/deep")), ...Array.from({ length: 10 }, () => page("/hang"))];
  const hanging = await Promise.all(hog.map(async (body) => await create(api.url, body, HOG)));
  await expect.poll(() => [site.countOf("/deep"), site.countOf("/hang")], { timeout: 60_000 }).toEqual([30, 10]);
  const quick = await create(api.url, page("/plain"), OTHER);
  const ended = await pollToEnd(api.url, quick.id, OTHER);
  expect(stateOf(ended)).toEqual([
    ["web_search_call", "completed"],
    ["message", "completed"],
  ]);
  const now = await Promise.all(
    hanging.map(async ({ id }) => (await send("GET", `${api.url}/responses/${id}`, undefined, HOG)).body.status),
  );
  expect(now.filter((status) => status === "in_progress").length, "it has passed them").toBeGreaterThan(30);
  expect(await worker.stop()).toBe(0);
}, 120_000);
