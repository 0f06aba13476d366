/** Promoted jobs, in the order in which BullMQ takes them. */
import { Worker } from "bullmq";
import { expect, test } from "vitest";
import { PRIORITIES } from "../../../src/queue/queue-class.ts";
import type { QueueName } from "../../../src/queue/response-queue.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

const { priority: first, default: standard, flex } = PRIORITIES;

async function waiting(storage: TestStorage, name: QueueName, jobs: [string, string, number][]): Promise<void> {
  for (const [id, project, priority] of jobs) {
    await storage.queue.enqueue({ id, project, priority, background: name === "background" });
  }
}

async function order({ redis, layout }: TestStorage, name: QueueName): Promise<string[]> {
  const connection = { connection: redis, prefix: layout.queuePrefix, autorun: false };
  const worker = new Worker(name, null, connection);
  const ids: string[] = [];
  for (let i = 0; ; i += 1) {
    const job = await worker.getNextJob(`token ${i}`, { block: false });
    if (job === undefined) break;
    ids.push(job.id!);
  }
  await worker.close();
  return ids;
}

test("the first job of each other project moves, in class order", async () => {
  await using storage = await openTestStorage();
  await waiting(storage, "background", [
    ["h1", "hog", first],
    ["h2", "hog", standard],
    ["b3", "b", flex],
    ["h3", "hog", standard],
    ["b1", "b", standard],
    ["c1", "c", standard],
    ["b2", "b", standard],
  ]);
  expect(await storage.queue.moveToFront("background", ["hog", "c"], 2)).toBe(2);
  expect(await order(storage, "background")).toEqual(["b1", "b2", "h1", "h2", "h3", "c1", "b3"]);
});

test("foreground jobs have no classes", async () => {
  await using storage = await openTestStorage();
  const jobs = ["hog", "hog", "b", "hog", "b"].map((project, i): [string, string, number] => [`r${i}`, project, 0]);
  await waiting(storage, "foreground", jobs);
  expect(await storage.queue.moveToFront("foreground", ["hog"], 1)).toBe(1);
  expect(await order(storage, "foreground")).toEqual(["r2", "r0", "r1", "r3", "r4"]);
});

test("a job already in front stays there and is found", async () => {
  await using storage = await openTestStorage();
  await waiting(storage, "background", [
    ["h1", "hog", standard],
    ["b1", "b", standard],
    ["h2", "hog", standard],
    ["c1", "c", standard],
  ]);
  for (let i = 0; i < 3; i += 1) expect(await storage.queue.moveToFront("background", ["hog"], 1)).toBe(1);
  expect(await storage.queue.moveToFront("background", ["hog", "b"], 9)).toBe(1);
  expect(await order(storage, "background")).toEqual(["c1", "b1", "h1", "h2"]);
});

test.each<QueueName>(["background", "foreground"])("a long queue, and one without other projects: %s", async (name) => {
  await using storage = await openTestStorage();
  const hogs = Array.from({ length: 2_500 }, (_, i): [string, string, number] => [`h${i}`, "hog", standard]);
  await waiting(storage, name, hogs);
  expect(await storage.queue.moveToFront(name, ["hog"], 1)).toBe(0);
  await waiting(storage, name, [["b1", "b", standard]]);
  expect(await storage.queue.moveToFront(name, ["hog"], 3)).toBe(1);
  expect((await order(storage, name)).slice(0, 3)).toEqual(["b1", "h0", "h1"]);
});
