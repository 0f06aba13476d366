/** A turn of a conversation with more items than a call may have arguments. */
import { expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { send, simulate } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const ITEMS = 60_000;
const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
const { api, inspector } = await openTestServerWithWorker(environment);

expectDescribed();

const call = async <T>(method: string, path: string, body?: unknown) =>
  await send<T>(method, `${api.url}${path}`, body);

test(`${ITEMS} items are one turn, paged, and deleted with their conversation`, async () => {
  const conversation = (await call<{ id: string }>("POST", "/conversations", {})).body.id;
  const input = Array.from({ length: ITEMS }, (_, index) => ({ role: "user", content: `Word ${index}` }));
  const request = simulate({ text: "All read", delay_ms: 0 }, { background: false, conversation, input });
  const { status, body } = await call<Response>("POST", "/responses", request);
  expect({ status, ended: body.status }).toEqual({ status: 200, ended: "completed" });
  const items = `/conversations/${conversation}/items`;
  interface Page {
    data: { id: string; content: { text: string }[] }[];
    has_more: boolean;
  }
  const first = (await call<Page>("GET", `${items}?order=asc&limit=2`)).body;
  expect(first.data.map((item) => item.content[0]!.text)).toEqual(["Word 0", "Word 1"]);
  const last = (await call<Page>("GET", `${items}?limit=2`)).body;
  expect(last.data.map((item) => item.content[0]!.text)).toEqual(["All read", `Word ${ITEMS - 1}`]);
  expect(await inspector.redis.zcard(`${prefix}:{${conversation}}:order`)).toBe(ITEMS + 1);
  const next = (
    await call<Page>("GET", `/responses/${body.id}/input_items?order=asc&limit=1&after=${first.data[0]!.id}`)
  ).body;
  expect(next).toMatchObject({ data: [{ content: [{ text: "Word 1" }] }], has_more: true });
  expect(await inspector.redis.zcard(`${prefix}:open`)).toBe(0);
  expect((await call("DELETE", `/responses/${body.id}`)).status).toBe(200);
  expect((await call("DELETE", `/conversations/${conversation}`)).status).toBe(200);
  expect(await inspector.redis.keys(`*${conversation}*`)).toEqual([]);
});
