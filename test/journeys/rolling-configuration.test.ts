/** Workers with different configurations, as during a rollout: a worker that can run a response runs it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { create, pollToEnd, RedisInspector } from "../support/api-client.ts";
import { type LogLine, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import {
  completed,
  created,
  message,
  startUpstreamServer,
  streamAndEnd,
  type UpstreamServer,
} from "../support/upstream-server.ts";

const REQUEST = { model: "lab/one", input: "Hi", background: true };
const isLeft = ({ msg }: LogLine) => msg === "Left to a worker that can run it";

let server: UpstreamServer;
let folder: string;
let known: Record<string, string>;
beforeAll(async () => {
  server = await startUpstreamServer(streamAndEnd(created(), ...message(0, "msg_1", ["Known."]), completed()));
  folder = await mkdtemp(join(tmpdir(), "background-responses-rolling-"));
  const lab = { kind: "openai-responses", base_url: server.url, hosted_tools: [] };
  await writeFile(join(folder, "providers.json"), JSON.stringify({ providers: { lab } }));
  known = { PROVIDERS_FILE: join(folder, "providers.json"), LOG_LEVEL: "debug" };
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ["a model", REQUEST, { PROVIDERS_FILE: "" }, "The model 'lab/one' is not configured."],
  [
    "a tool",
    { ...REQUEST, tools: [{ type: "code_interpreter", container: { type: "auto" } }] },
    { CODE_INTERPRETER: "false" },
    "The code interpreter is switched off.",
  ],
])(
  "%s that a worker does not know: another one runs it",
  { timeout: 30_000 },
  async (_name, request, lacking, reason) => {
    const prefix = uniquePrefix();
    const environment = { KEY_PREFIX: prefix, ...known };
    using inspector = new RedisInspector(prefix);
    await using api = await startApi(environment);
    const { id } = await create(api.url, request);
    await using other = await startWorker({ ...environment, ...lacking });
    expect((await other.line(isLeft, "leaving it"))["reason"]).toContain(reason);
    await using _worker = await startWorker(environment);
    expect(await pollToEnd(api.url, id)).toMatchObject({ status: "completed", error: null });
    const { attempts, waits, unknownSinceMs } = await inspector.meta(id);
    expect([attempts, waits ?? "0", unknownSinceMs]).toEqual(["1", "0", undefined]);
  },
);

test(
  "a model that no worker knows fails its response after the timeout, with the reason",
  { timeout: 30_000 },
  async () => {
    const environment = { KEY_PREFIX: uniquePrefix(), UNKNOWN_MODEL_WAIT_SECONDS: "2" };
    await using api = await startApi({ ...environment, ...known });
    const { id } = await create(api.url, REQUEST);
    await using worker = await startWorker(environment);
    const { status, error } = await pollToEnd(api.url, id);
    expect({ status, message: error?.message }).toEqual({
      status: "failed",
      message: "The model 'lab/one' is not configured.",
    });
    expect(worker.lines.filter(isLeft)).toHaveLength(1);
  },
);
