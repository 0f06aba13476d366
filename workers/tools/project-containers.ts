/**
 * The containers of a run's project. Writes retry until Redis is available. A container lives for its idle time after
 * its last use, or as long as the run may take.
 */
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { maxLifetimeSecondsOf } from "../../src/store/encoded-record.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { ProjectContainers } from "./tool.ts";

export function openProjectContainers(
  { clock, containers, containerIdleSeconds }: Storage,
  attempt: Attempt,
): ProjectContainers {
  const { project, deadlineMs } = attempt.record;
  const retry = <T>(send: () => Promise<T>): Promise<T> => retryUntilAvailable(send, attempt.control.writing);
  return {
    readVersion: (id) => retry(() => containers.readVersion(project, id)),
    read: (id) => retry(() => containers.read(project, id)),
    write: (id, change) =>
      retry(async () => {
        const lifetimeSeconds = maxLifetimeSecondsOf({ deadlineMs, retentionSeconds: 0 }, clock.nowMs());
        return await containers.write(project, id, change, Math.max(containerIdleSeconds, lifetimeSeconds));
      }),
  };
}
