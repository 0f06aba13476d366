import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { openIndex } from "../../support/knowledge.ts";
import { testRedisUrl } from "../../support/redis.ts";
import { openTestStorage } from "../../support/storage.ts";

const KILLS = 5;
const BATCHES = 10;
const WRITER = new URL("../../support/index-writer.ts", import.meta.url);

test("a killed writer leaves one whole version of a file", async () => {
  await using storage = await openTestStorage();
  const { prefix } = storage.layout;
  const [reader, fresh] = [openIndex(storage), () => openIndex(storage)];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const writer = fork(WRITER, [testRedisUrl(), prefix, String(kill * 1_000)]);
    const exited = once(writer, "exit");
    // A version has ten batches. The first is complete, and the second is killed at another batch each time.
    await new Promise<void>((resolve) => {
      let batches = 0;
      writer.on("message", () => {
        batches += 1;
        if (batches === BATCHES + 1 + 2 * kill) resolve();
      });
    });
    writer.kill("SIGKILL");
    await exited;

    const { hits } = await reader.search(["vs_1"], { text: "version chunk", maxResults: 50 });
    const versions = new Set(hits.map(({ chunk }) => chunk.text.split(" ")[1]));
    expect(versions.size).toBe(1);
    const [version] = versions;
    expect(hits.every(({ attributes }) => attributes["version"] === Number(version))).toBe(true);
    const read = (await Array.fromAsync((await fresh().read("vs_1", "file-1"))!)).flat();
    expect(read.map(({ text }) => text)).toEqual(
      Array.from({ length: 500 }, (_, i) => `version ${version} chunk ${i}`),
    );
  }
  const contents = await storage.redis.keys(`${prefix}:{vs_1}:index-contents:*`);
  const lifetimes = await Promise.all(contents.map((key) => storage.redis.ttl(key)));
  expect(lifetimes.filter((seconds) => seconds === -1)).toHaveLength(1);
});
