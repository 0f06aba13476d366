/** One project's suspects do not delay another's. Real processes, each of which runs one response. */
import { expect, test, vi } from "vitest";
import { acceptResponse, HANGING } from "../../support/queued-responses.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";
import { openTestStorage, silentLogger } from "../../support/storage.ts";
import { Quarantine } from "../../../workers/jobs/quarantine.ts";
import { AttemptControl } from "../../../workers/attempt/attempt.ts";

const CAPACITY = 4;

test("another project's suspect runs while one project fills quarantine", async () => {
  const prefix = uniquePrefix();
  // The processes read their settings from the environment, as their worker does.
  vi.stubEnv("REDIS_URL", testRedisUrl());
  vi.stubEnv("KEY_PREFIX", prefix);
  vi.stubEnv("LOG_LEVEL", "silent");
  await using storage = await openTestStorage(prefix);
  const quarantine = new Quarantine(storage, silentLogger);
  const controls: AttemptControl[] = [];
  const started: string[] = [];
  const { promise: allSlotsAndOneStarted, resolve } = Promise.withResolvers<void>();
  const run = async (project: string): Promise<Promise<unknown>[]> => {
    const id = await acceptResponse(storage, { project, metadata: HANGING });
    const control = new AttemptControl();
    controls.push(control);
    const onLease = (): void => {
      if (started.push(project) > CAPACITY) resolve();
    };
    return [quarantine.run(id, project, control, onLease)];
  };
  const runs: Promise<unknown>[] = [];
  for (let i = 0; i < CAPACITY + 6; i += 1) runs.push(...(await run("hog")));
  runs.push(...(await run("other")));
  await allSlotsAndOneStarted;
  for (const control of controls) control.stop("lock-lost");
  await Promise.all(runs);
  // It starts before the first waiting suspect of the other project.
  expect(started.indexOf("other")).toBeLessThanOrEqual(CAPACITY);
  expect(started).toContain("other");
});
