/** The AI SDK against the real server: its users' calls, with its own checks of every answer and event. */
import { afterAll, beforeAll, describe } from "vitest";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { testFailures } from "./ai-sdk/failure-suite.ts";
import { testGeneration } from "./ai-sdk/generate-suite.ts";
import { LINES } from "./ai-sdk/lines.ts";
import { testStreaming } from "./ai-sdk/stream-suite.ts";
import { API_KEYS, type Fixture } from "./clients/clients.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix, API_KEYS };
// The server starts after the suites have been declared.
const fixture = { prefix } as Fixture;
let worker: ServerProcess;

beforeAll(async () => {
  [fixture.api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
});
afterAll(async () => {
  await Promise.all([fixture.api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
});

describe.each(LINES)("%s", (_name, line) => {
  testGeneration(line, fixture);
  testStreaming(line, fixture);
  testFailures(line, fixture);
});
