import { afterAll } from "vitest";
import { RedisInspector } from "./api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "./processes.ts";

type Environment = { KEY_PREFIX: string } & Record<string, string>;

export interface TestServer {
  readonly api: ApiProcess;
  readonly inspector: RedisInspector;
}
/** A test that kills the worker may replace it. */
export interface TestServerWithWorker extends TestServer {
  worker: ServerProcess;
}

/** An API process for all tests of a file, and an inspector of its keys. Both stop after the tests. */
export async function openTestServer(environment: Environment): Promise<TestServer> {
  const inspector = new RedisInspector(environment.KEY_PREFIX);
  const api = await startApi(environment);
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    inspector[Symbol.dispose]();
  });
  return { api, inspector };
}

/** The same, with a worker. */
export async function openTestServerWithWorker(environment: Environment): Promise<TestServerWithWorker> {
  const [{ api, inspector }, worker] = await Promise.all([openTestServer(environment), startWorker(environment)]);
  const server = { api, inspector, worker };
  afterAll(async () => await server.worker[Symbol.asyncDispose]());
  return server;
}
