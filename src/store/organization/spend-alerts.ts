/** Thresholds of a project's monthly spend. The script that counts the spend reads them. */
import { type StoredAlert, storedAlertSchema } from "../../protocol/organization/limits.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import { parseEntries } from "./stored-entries.ts";

/** Maximum alerts of one project: the script that counts a response reads all. */
export const MAX_ALERTS_PER_PROJECT = 20;

/*
 * KEYS  alerts of the project
 * ARGV  id, alert, maximum number, '1' to replace only
 * Returns 1, or 0 if there are too many, or if there is none to replace.
 */
const writeScript = defineScript<0 | 1>(
  "writeSpendAlert",
  1,
  `
  local exists = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
  if ARGV[4] == '1' and not exists then return 0 end
  if not exists and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  return 1
`,
);

export class SpendAlerts {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async list(project: string): Promise<(StoredAlert & { id: string })[]> {
    return parseEntries(storedAlertSchema, await this.#redis.hgetall(this.#layout.organization.alertsOf(project)));
  }

  /** False if the project has `MAX_ALERTS_PER_PROJECT` already. */
  async create(project: string, id: string, alert: StoredAlert): Promise<boolean> {
    return await this.#write(project, id, alert, "");
  }

  /** False if the alert is unknown. */
  async replace(project: string, id: string, alert: StoredAlert): Promise<boolean> {
    return await this.#write(project, id, alert, "1");
  }

  async #write(project: string, id: string, alert: StoredAlert, mode: "" | "1"): Promise<boolean> {
    const key = this.#layout.organization.alertsOf(project);
    return (await writeScript(this.#redis, key, id, JSON.stringify(alert), MAX_ALERTS_PER_PROJECT, mode)) === 1;
  }

  /** False if the alert is unknown. */
  async remove(project: string, id: string): Promise<boolean> {
    return (await this.#redis.hdel(this.#layout.organization.alertsOf(project), id)) === 1;
  }
}
