/** The official clients against the real server, as users call them, without retries or patches. */
import { afterAll, beforeAll, describe } from "vitest";
import { expectDescribed } from "../support/expect-described.ts";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { API_KEYS, CLIENTS, type Fixture } from "./clients/clients.ts";
import { testConversations } from "./clients/conversation-suite.ts";
import { testErrors } from "./clients/error-suite.ts";
import { testRuns } from "./clients/run-suite.ts";
import { testStreams } from "./clients/stream-suite.ts";

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

expectDescribed();

describe.each(CLIENTS)("%s", (_name, official) => {
  testRuns(official, fixture);
  testStreams(official, fixture);
  testConversations(official, fixture);
  testErrors(official, fixture);
});
