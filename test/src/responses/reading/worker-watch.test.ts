import { pino } from "pino";
import { expect, test } from "vitest";
import { WorkerWatch } from "../../../../src/responses/reading/worker-watch.ts";
import { openTestStorage } from "../../../support/storage.ts";

test("a queue without a worker is logged once, and again when it is served", async () => {
  await using storage = await openTestStorage();
  const lines: { level: number; msg: string; queue: string }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
  const none = { slots: 0, used: 0 };
  const serve = async (background: number) => {
    const queues = { foreground: none, background: { slots: background, used: 0 } };
    await storage.workers.announce("w:1", { version: "1", startedAtMs: 1, queues });
  };
  await serve(1);
  using _watch = new WorkerWatch(storage, logger, 20);
  const said = () => lines.map(({ level, queue }) => `${level} ${queue}`);
  await expect.poll(said).toEqual(["40 foreground"]);
  await storage.workers.remove("w:1");
  await expect.poll(said).toEqual(["40 foreground", "40 background"]);
  await serve(1);
  await expect.poll(said).toEqual(["40 foreground", "40 background", "30 background"]);
  expect(lines[1]!.msg).toBe("No worker serves the queue: its responses wait until a worker starts");
});
