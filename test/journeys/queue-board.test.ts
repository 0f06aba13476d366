/** BullMQ's view of the queues: it shows jobs to administrators, in a browser too, and changes nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import { create, send, simulate } from "../support/api-client.ts";
import { launchChromium } from "../support/chromium.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";

const environment = { KEY_PREFIX: uniquePrefix(), API_KEYS: "alpha:key-of-alpha", ADMIN_KEYS: "ops:key-of-ops" };
const { api, inspector } = await openTestServer(environment);
const BOARD = api.url.replace("/v1", "/queues/board");
const ALPHA = { authorization: "Bearer key-of-alpha" };
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

let id: string;
beforeAll(async () => {
  ({ id } = await create(api.url, simulate({ tokens: 1 }), ALPHA));
});

interface BoardQueues {
  queues: { name: string; readOnlyMode: boolean; counts: Record<string, number>; jobs: { id: string }[] }[];
}
const readQueues = async (headers: Record<string, string>) =>
  await send<BoardQueues>(
    "GET",
    `${BOARD}/api/queues?activeQueue=background&page=1&jobsPerPage=10`,
    undefined,
    headers,
  );

test.each([
  ["a bearer", { authorization: "Bearer key-of-ops" }],
  ["a password", basic("anyone", "key-of-ops")],
])("an admin key as %s shows the jobs", async (_name, headers) => {
  const { status, body } = await readQueues(headers);
  expect(status).toBe(200);
  const background = body.queues.find(({ name }) => name === "background");
  expect(background).toMatchObject({ readOnlyMode: true, counts: { prioritized: 1 }, jobs: [{ id }] });
});

test.each([
  ["no key", {}],
  ["a project's key", ALPHA],
  ["a project's key as a password", basic("ops", "key-of-alpha")],
  ["an empty password", basic("ops", "")],
  ["text that is not Base64", { authorization: "Basic %%%" }],
])("%s gets 401, and a browser asks for a password", async (_name, headers) => {
  for (const path of ["", "/api/queues", "/static/favicon.ico", "/queue/background"]) {
    const answer = await fetch(BOARD + path, { headers });
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
  }
});

const OPS = { authorization: "Bearer key-of-ops" };

/** The queues as the board shows them, and the job as it is stored. */
const readState = async () => [
  (await readQueues(OPS)).body,
  await inspector.redis.hgetall(`${inspector.layout.queuePrefix}:background:${id}`),
];

describe("no action is possible", () => {
  test.each([
    ["PUT", "/api/queues/pause"],
    ["PUT", "/api/queues/background/pause"],
    ["PUT", "/api/queues/background/empty"],
    ["PUT", "/api/queues/background/ID/promote"],
    ["PUT", "/api/queues/background/ID/clean"],
    ["POST", "/api/queues/background/add"],
    ["PATCH", "/api/queues/background/ID/update-data"],
    ["DELETE", "/api/queues/background/ID"],
    ["GET", "/api/queues/background/workers"],
  ])("%s %s", async (method, path) => {
    const before = await readState();
    expect((await send(method, BOARD + path.replace("ID", id), undefined, OPS)).status).toBe(404);
    expect(await readState()).toEqual(before);
  });
});

test("without administrators there is no board", async () => {
  await using plain = await startApi({ KEY_PREFIX: environment.KEY_PREFIX });
  expect((await send("GET", plain.url.replace("/v1", "/queues/board"))).status).toBe(404);
});

describe("in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => await browser.close());

  test("the board lists the job and loads nothing from elsewhere", async () => {
    await using context = await browser.newContext({ httpCredentials: { username: "ops", password: "key-of-ops" } });
    const page = await context.newPage();
    const answered: string[] = [];
    page.on("response", (response) => answered.push(new URL(response.url()).origin));
    await page.goto(`${BOARD}/queue/background`);
    await page.getByText(id).first().waitFor();
    expect(new Set(answered)).toEqual(new Set([new URL(BOARD).origin]));
  });
});
