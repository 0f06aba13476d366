import { afterAll, beforeAll, expect, test } from "vitest";
import { FetchPolicy } from "../../../workers/net/fetch-policy.ts";
import type { ResolvedAddress } from "../../../workers/net/guarded-connector.ts";
import { GuardedFetch } from "../../../workers/net/guarded-fetch.ts";
import { type SendOptions, sendWebhook } from "../../../workers/webhooks/send-webhook.ts";
import { answerWith, hang, WebhookReceiver } from "../../support/webhook-receiver.ts";

let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await WebhookReceiver.start();
});
afterAll(async () => await receiver[Symbol.asyncDispose]());

const PUBLIC: ResolvedAddress = { address: "93.184.215.14", family: 4 };
const LOOPBACK: ResolvedAddress = { address: "127.0.0.1", family: 4 };

async function send(
  url: string,
  allowedHosts: string,
  options: Partial<SendOptions> = {},
  resolve?: ResolvedAddress[][],
) {
  const lookups = [...(resolve ?? [])];
  await using fetcher = new GuardedFetch({
    policy: new FetchPolicy(allowedHosts),
    ...(resolve && { resolve: async () => lookups.shift() ?? [LOOPBACK] }),
  });
  const { fetch } = fetcher;
  const { signal } = new AbortController();
  return await sendWebhook(url, {}, "{}", { fetch, timeoutMs: 1_000, allowsHttp: true, signal, ...options });
}

const count = () => receiver.tries.length;

test("a name that leads to a private address is not contacted", async () => {
  const before = count();
  const { port } = new URL(receiver.url);
  const outcome = await send(`http://hooks.example:${port}/`, "", {}, [[LOOPBACK]]);
  expect(outcome).toEqual({ kind: "unanswered", error: expect.stringContaining("not a public one") });
  expect(count()).toBe(before);
});

test("a name that is rebound between check and connection stays with its checked address", async () => {
  const before = count();
  const { port } = new URL(receiver.url);
  // The first lookup is public, every later one is loopback, where the receiver listens.
  const outcome = await send(`http://hooks.example:${port}/`, "", { timeoutMs: 300 }, [[PUBLIC]]);
  expect(outcome.kind).toBe("unanswered");
  expect(count()).toBe(before);
});

test("plain HTTP needs the operator's permission", async () => {
  const before = count();
  const outcome = await send(receiver.url, "127.0.0.1", { allowsHttp: false });
  expect(outcome).toEqual({ kind: "unanswered", error: "This server sends webhooks only to HTTPS URLs." });
  expect(count()).toBe(before);
});

test("every status is an answer, and no redirect is followed", async () => {
  for (const status of [200, 204, 301, 410, 500]) {
    receiver.answer = answerWith(status, { location: `${receiver.url}elsewhere`, "retry-after": "7" });
    expect(await send(receiver.url, "127.0.0.1")).toEqual({ kind: "answered", statusCode: status, retryAfter: "7" });
  }
  expect(receiver.tries.filter(({ path }) => path === "/elsewhere")).toEqual([]);
});

test("a silent receiver is left at the timeout", async () => {
  receiver.answer = hang;
  const startedMs = performance.now();
  const outcome = await send(receiver.url, "127.0.0.1", { timeoutMs: 200 });
  expect(outcome).toEqual({ kind: "unanswered", error: "The server did not answer in time." });
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test("an unfinished answer counts by its status", async () => {
  receiver.answer = (response) => void response.writeHead(200).write("begin");
  expect(await send(receiver.url, "127.0.0.1", { timeoutMs: 5_000 })).toMatchObject({
    kind: "answered",
    statusCode: 200,
  });
});

test("a stopping process interrupts a try", async () => {
  receiver.answer = hang;
  const stopping = new AbortController();
  const sending = send(receiver.url, "127.0.0.1", { timeoutMs: 30_000, signal: stopping.signal });
  const before = count();
  await receiver.until(({ length }) => length > before);
  stopping.abort(new Error("stopping"));
  await expect(sending).rejects.toThrow("stopping");
});

test("a receiver that nobody runs is named as such", async () => {
  const outcome = await send("http://127.0.0.1:1/", "127.0.0.1");
  // Port 1 is among those that fetch refuses.
  expect(outcome.kind).toBe("unanswered");
  const refused = await send("http://127.0.0.1:2222/", "127.0.0.1");
  expect(refused).toEqual({ kind: "unanswered", error: "The server could not be reached: it refuses connections." });
});
