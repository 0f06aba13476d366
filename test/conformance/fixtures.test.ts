/**
 * Requests as Codex, opencode and promptfoo send them (`fixtures/`, each with its sources), to a server whose model is
 * the simulator: each is answered, its stream is legal, and it ends well.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CompactedResponse } from "../../src/protocol/compaction.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";
import { pollToEnd } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectLegal, expectOneTerminal, receive } from "../support/subscriber.ts";

type Body = Record<string, unknown>;

interface RecordedRequest {
  name: string;
  /** `/responses` by default. */
  path?: string;
  body: Body;
  /** `$id` and `$call_id` are those of the previous answer. */
  follows?: boolean;
  /** The client polls it. */
  polled?: boolean;
}

interface Fixture {
  headers: Record<string, string>;
  requests: RecordedRequest[];
}

function read(client: string): Fixture {
  return JSON.parse(readFileSync(new URL(`fixtures/${client}.json`, import.meta.url), "utf8")) as Fixture;
}

expectDescribed();

let api: ApiProcess;
let worker: ServerProcess;
beforeAll(async () => {
  // Clients name models without a vendor.
  const environment = { KEY_PREFIX: uniquePrefix(), DEFAULT_PROVIDER: "simulator" };
  [api, worker] = await Promise.all([startApi(environment), startWorker({ ...environment, STRICT_EVENTS: "true" })]);
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
});

interface Answered {
  headers: Headers;
  response: Response;
}

async function post(headers: Record<string, string>, path: string, body: Body): Promise<globalThis.Response> {
  const answer = await fetch(`${api.url}${path}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", authorization: "Bearer sk-of-mine" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer;
}

/** The response, once its stream, if any, was read and found legal. */
async function answer(headers: Record<string, string>, { body, polled }: RecordedRequest): Promise<Answered> {
  const answered = await post(headers, "/responses", body);
  if (body["stream"] !== true) {
    const response = (await answered.json()) as Response;
    return { headers: answered.headers, response: polled ? await pollToEnd(api.url, response.id) : response };
  }
  const { events, isWhole } = await receive(answered, new AbortController());
  expect(isWhole).toBe(true);
  const log = events.map(({ data }) => data);
  expectLegal(log);
  return { headers: answered.headers, response: expectOneTerminal(log) };
}

const callsIn = ({ output }: Response): OutputItem[] =>
  (output as OutputItem[]).filter(({ type }) => type === "function_call");

function following(body: Body, before: Response): Body {
  const [call] = callsIn(before) as { call_id: string }[];
  const json = JSON.stringify(body).replaceAll("$id", before.id);
  return JSON.parse(json.replaceAll("$call_id", call!.call_id)) as Body;
}

/** Request fields that its response must repeat. */
const ECHOED = ["model", "store", "reasoning", "prompt_cache_key", "parallel_tool_calls", "max_output_tokens"] as const;

/** Only the origin of an MCP server's URL is shown (contract.md#hidden-secrets). */
const shownTool = (tool: Body): Body =>
  typeof tool["server_url"] === "string" ? { ...tool, server_url: new URL(tool["server_url"]).origin } : tool;

describe.each(["codex", "opencode", "promptfoo"])("%s", (client) => {
  const { headers, requests } = read(client);
  let before: Response;

  test.each(requests.filter(({ path }) => path === undefined))("$name", async (request) => {
    const body = request.follows ? following(request.body, before) : request.body;
    const { response, headers: answered } = await answer(headers, { ...request, body });
    before = response;
    expect(response).toMatchObject({ status: "completed", error: null });
    expect(response.output.length).toBeGreaterThan(0);
    expect(response).toMatchObject(
      Object.fromEntries(ECHOED.flatMap((name) => (body[name] == null ? [] : [[name, body[name]]]))),
    );
    expect(response.tools).toMatchObject(((body["tools"] as Body[] | undefined) ?? []).map(shownTool));
    expect(JSON.stringify(response)).not.toContain("installation");
    expect(answered.get("x-ignored-parameters"), "nothing is unknown").toBeNull();
  });
});

describe("Codex continues its conversation", () => {
  const { headers, requests } = read("codex");
  const { body } = requests[0]!;

  /** Codex keeps an item without its id, which it does not send back. */
  const withoutId = ({ id: _id, ...item }: { id?: string | null | undefined }): object => item;

  test("through a call and its output, with sealed reasoning", async () => {
    const first = await answer(headers, { name: "", body: { ...body, tool_choice: "required" } });
    expect(first.response.output.map(({ type }) => type)).toEqual(["reasoning", "function_call"]);
    const [call] = callsIn(first.response) as { call_id: string }[];
    const input = [
      ...(body["input"] as object[]),
      ...first.response.output.map(withoutId),
      { type: "function_call_output", call_id: call!.call_id, output: "Process exited with code 0" },
    ];
    const second = await answer(headers, { name: "", body: { ...body, input } });
    expect(second.response.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
    const changed = input.map((item) =>
      "encrypted_content" in item ? { ...item, encrypted_content: `${String(item.encrypted_content)}x` } : item,
    );
    await expect(post(headers, "/responses", { ...body, input: changed })).rejects.toThrow("could not be verified");
  });

  test("through a compaction", async () => {
    const compaction = requests.find(({ path }) => path === "/responses/compact")!;
    const compacted = (await (await post(headers, compaction.path!, compaction.body)).json()) as CompactedResponse;
    expect(compacted.output.at(-1)).toMatchObject({ type: "compaction", encrypted_content: expect.any(String) });
    const input = [...compacted.output.map(withoutId), (body["input"] as object[]).at(-1)!];
    const { response } = await answer(headers, { name: "", body: { ...body, input } });
    expect(response.status).toBe("completed");
  });
});
