/** The commands of the documentation, run as they stand there against a real server, print what is shown. */
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Documents } from "../../src/http/endpoints/docs/documents.ts";
import { type PrivateRedis, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { comparable, patternFor, runBlocksIn } from "./code-blocks.ts";
import { runBlocks, type Server } from "./shell-session.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE_TIMEOUT_MS = 180_000;

const pages = new Documents().groups
  .flatMap(({ files }) => files)
  .map((file) => ({ file, blocks: runBlocksIn(readFileSync(join(ROOT, file), "utf8")) }))
  .filter(({ blocks }) => blocks.length > 0);

const dataDir = mkdtempSync(join(tmpdir(), "background-responses-docs-"));
let redis: PrivateRedis;
let api: ApiProcess;
let worker: ServerProcess;
let server: Server;

beforeAll(async () => {
  redis = await startPrivateRedis({ dataDir });
  const environment = { REDIS_URL: redis.url };
  [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
  server = { origin: new URL(api.url).origin, redisUrl: redis.url };
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
  await redis[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

test("the README has commands that are run", () => {
  expect(pages.map(({ file }) => file)).toContain("README.md");
});

test.each(pages)(
  "$file",
  async ({ blocks }) => {
    const results = await runBlocks(blocks, server);
    for (const [i, { source, outputs }] of blocks.entries()) {
      const result = results[i] ?? { output: "", exitCodes: ["did not end"] };
      expect({ source, ...result }).toMatchObject({ source, exitCodes: [] });
      for (const { language, text } of outputs) {
        expect(comparable(result.output, language)).toMatch(patternFor(comparable(text, language)));
      }
    }
  },
  PAGE_TIMEOUT_MS,
);

describe("the runner itself", () => {
  const block = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\`\n`;
  const run = async (...blocks: string[]) => await runBlocks(runBlocksIn(blocks.join("\n")), server);

  test("variables last from block to block, and files from command to command", async () => {
    const results = await run(
      block("sh run", "export A=1\necho $A > a.txt"),
      block("ts run", `const a: string = process.env["A"]!;\nconsole.log("ts", a);`),
      block("sh run", "cat a.txt"),
    );
    expect(results.map(({ output }) => output.trim())).toEqual(["", "ts 1", "1"]);
  });

  test("a command that fails is found, unless it is a curl that reached its time limit", async () => {
    const hang = `{"model": "simulator/default", "input": "Hello", "metadata": {"simulator.hang": "true"}}`;
    const curl = "curl -s -m 1 http://localhost:8080/v1/responses -H 'content-type: application/json'";
    const results = await run(
      block("sh run", "false\ntrue"),
      block("sh run", `${curl} -d '${hang}'`),
      block("sh run", "exit 0"),
    );
    expect(results).toMatchObject([{ exitCodes: ["1"] }, { exitCodes: [], output: "" }]);
    expect(results).toHaveLength(2);
  });

  test("Redis is the one of the documents' server", async () => {
    const [result] = await run(block("sh run", "redis-cli config get port\necho redis://127.0.0.1:6379"));
    expect(result!.output).toContain(`port\n${redis.port}\n${redis.url}\n`);
  });

  test("what is shown holds for other ids and times", () => {
    const pattern = patternFor('{"id": "resp_0123456789abcdef01", "created_at": 1764320000, "a": "(b)"}\n…\nend\n');
    expect('1\n{"id": "resp_fedcba9876543210ff", "created_at": 1800000001, "a": "(b)"}\nx\ny\nend\n2').toMatch(pattern);
    expect('{"id": "resp_fedcba9876543210ff", "created_at": 1800000001, "a": "b"}\nx\nend').not.toMatch(pattern);
  });

  test("spaces of JSON are not compared", () => {
    const [run] = runBlocksIn(`${block("sh run", "true")}\n${block("json output", '{\n  "a": [1, 2]\n}')}`);
    const { language, text } = run!.outputs[0]!;
    expect(comparable('{"a":[1,2]}\n', language)).toMatch(patternFor(comparable(text, language)));
  });

  test("a mark that means nothing is found", () => {
    expect(() => runBlocksIn(block("sh rnu", "true"))).toThrow("A block is marked `sh rnu`, which means nothing.");
    expect(() => runBlocksIn(block("text output", "first"))).toThrow("which means nothing");
  });
});
