/** What the tests of one file share: opened where the file is loaded, closed after its last test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach } from "vitest";
import { startMcpServer, type TestMcpServer } from "./mcp-server.ts";
import { openTestStorage, type TestStorage } from "./storage.ts";

/** A storage and a server that forgets its calls before each test. */
export async function useMcpServer(): Promise<{ storage: TestStorage; server: TestMcpServer }> {
  const storage = await openTestStorage();
  const server = await startMcpServer();
  beforeEach(() => {
    server.begun.length = 0;
    server.methods.length = 0;
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  return { storage, server };
}

/** A storage and a folder for configuration files. */
export async function useMcpFolder(): Promise<{ storage: TestStorage; folder: string }> {
  const storage = await openTestStorage();
  const folder = await mkdtemp(join(tmpdir(), "mcp-"));
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  return { storage, folder };
}
