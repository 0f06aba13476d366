/**
 * Every kind of event and item that a provider can send, through this server to every client: no client's own checks
 * may reject one. Each suite also shows how its older client version treats later kinds.
 */
import { setTracingDisabled } from "@openai/agents";
import { afterAll, beforeAll, describe } from "vitest";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import type { UpstreamServer } from "../support/upstream-server.ts";
import { LINES } from "./ai-sdk/lines.ts";
import { API_KEYS, CLIENTS, type Fixture } from "./clients/clients.ts";
import { testAgents } from "./events/agents-suite.ts";
import { testAiSdk } from "./events/ai-sdk-suite.ts";
import { testLangChain } from "./events/langchain-suite.ts";
import { testOpenAi } from "./events/openai-suite.ts";
import { startEventProvider } from "./events/provider.ts";

// Traces would go to the vendor.
setTracingDisabled(true);

const prefix = uniquePrefix();
// The server starts after the suites have been declared.
const fixture = { prefix } as Fixture;
let worker: ServerProcess;
let provider: UpstreamServer;

beforeAll(async () => {
  provider = await startEventProvider();
  const environment = { KEY_PREFIX: prefix, API_KEYS, OPENAI_BASE_URL: provider.url, STRICT_EVENTS: "true" };
  [fixture.api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
});
afterAll(async () => {
  await Promise.all([fixture.api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
  await provider[Symbol.asyncDispose]();
});

describe.each(CLIENTS)("%s", (name, official) => {
  testOpenAi(name, official, fixture);
});
describe.each(LINES)("%s", (name, line) => {
  testAiSdk(name, line, fixture);
});
describe("LangChain", () => {
  testLangChain(fixture);
});
describe("@openai/agents", () => {
  testAgents(fixture);
});
