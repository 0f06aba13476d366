/** API processes and workers are killed while files come and go. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RedisInspector } from "../support/api-client.ts";
import { FileTraffic } from "../support/file-traffic.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const KILLS = 5;
const UPLOADS = 12;
const DELETIONS = 4;

test("kills leave each file whole, and no bytes without a file", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "file-crash-"));
  const environment = { KEY_PREFIX: uniquePrefix(), FILES_FOLDER: folder, SWEEP_INTERVAL_MS: "100" };
  using inspector = new RedisInspector(environment.KEY_PREFIX);
  const [pending] = inspector.layout.blobs;
  const traffic = new FileTraffic();
  try {
    let worker = await startWorker(environment);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const api = await startApi(environment);
      const running = traffic.run(api.url, UPLOADS, DELETIONS);
      const arriving = Math.ceil(Math.random() * UPLOADS);
      let isOver = false;
      void running.then(() => (isOver = true));
      await pollUntil(async () => isOver || (await inspector.redis.zcard(pending)) >= arriving);
      api.kill("SIGKILL");
      await Promise.all([running, api.exited]);
      if (kill % 2 === 1) {
        worker.kill("SIGKILL");
        await worker.exited;
        worker = await startWorker(environment);
      }
    }
    await using api = await startApi(environment);
    await traffic.run(api.url, UPLOADS, DELETIONS);
    expect(traffic.kept.length).toBeGreaterThan(0);
    expect(await traffic.findFaults(api.url, folder, inspector)).toEqual([]);
    await worker[Symbol.asyncDispose]();
  } finally {
    await rm(folder, { recursive: true });
  }
});
