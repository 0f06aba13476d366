/**
 * Usage and cost of ended responses, counted in the script that removes a response from the in-flight set: it removes it
 * once, so it counts it once, whatever crashes. Counters are kept per project and day, by hour and model.
 */
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import { PROJECT_LIMITS_LUA } from "./project-limits.ts";
import { dayOf, hourOf, monthOf } from "./usage-periods.ts";

/** Maximum models of one project and day that are counted by name. The others are counted as `OTHER_MODELS`. */
const MAX_MODELS = 100;
export const OTHER_MODELS = "other";
const MAX_MODEL_LENGTH = 256;
/** Months of spend that a project keeps. */
const MAX_MONTHS = 24;

/** Costs are counted in billionths of a US dollar, as integers: sums of fractions would drift. */
export const NANOS_PER_DOLLAR = 1e9;
export const NANOS_PER_CENT = 1e7;

/** What an ended response used. */
export interface ResponseUsage {
  /** The model that served it. */
  model: string;
  /** Calls of a model. */
  requests: number;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  costNanos: number;
}

const METRICS = ["requests", "inputTokens", "cachedTokens", "outputTokens", "costNanos"] as const;
export type UsageSums = Pick<ResponseUsage, (typeof METRICS)[number]>;

/** The sums of one hour and model. */
export interface UsageCell {
  /** 0 to 23. */
  hour: number;
  model: string;
  sums: UsageSums;
}

/** Limits of what is kept. */
export interface AccountingSettings {
  usageRetentionDays: number;
  auditLogMaxEntries: number;
}

/** A project's spend has passed a threshold of this month. */
export interface PassedThreshold {
  /** The id of the alert, or `spend_limit`. */
  id: string;
  cents: number;
}

export const SPEND_LIMIT_ID = "spend_limit";

/*
 * For the script that removes a response. `keys`: usage of the day, projects of the day, spend, tokens, limits, alerts,
 * audit log. `args` from position `at`: project, hour, month, model, the five METRICS, seconds of retention, maximum
 * entries of the audit log. Returns the passed thresholds: {id, cents, …}.
 */
export const COUNT_USAGE_LUA = `${PROJECT_LIMITS_LUA}
  local function nameModel(key, model)
    if redis.call('HEXISTS', key, 'model|' .. model) == 1 then return model end
    if tonumber(redis.call('HGET', key, 'models') or '0') >= ${MAX_MODELS} then return '${OTHER_MODELS}' end
    redis.call('HSET', key, 'model|' .. model, 1)
    redis.call('HINCRBY', key, 'models', 1)
    return model
  end
  local function countSpend(keys, month, nanos)
    local after = redis.call('HINCRBY', keys[3], month, nanos)
    if redis.call('HLEN', keys[3]) > ${MAX_MONTHS} then
      local months = redis.call('HKEYS', keys[3])
      table.sort(months)
      redis.call('HDEL', keys[3], months[1])
    end
    return after - nanos, after
  end
  local function findPassed(keys, before, after)
    local passed = {}
    local function check(id, cents)
      local threshold = tonumber(cents) * ${NANOS_PER_CENT}
      if before < threshold and after >= threshold then
        passed[#passed + 1] = id
        passed[#passed + 1] = tostring(cents)
      end
    end
    local limit = limitsOf(keys[5]).spend
    if limit then check('${SPEND_LIMIT_ID}', limit) end
    local alerts = redis.call('HGETALL', keys[6])
    for i = 1, #alerts, 2 do check(alerts[i], cjson.decode(alerts[i + 1]).threshold_amount) end
    return passed
  end
  local function countUsage(keys, args, at)
    local project, hour, month, retention = args[at], args[at + 1], args[at + 2], args[at + 9]
    local model = nameModel(keys[1], args[at + 3])
    for i = 0, ${METRICS.length - 1} do
      local amount = args[at + 4 + i]
      if amount ~= '0' then redis.call('HINCRBY', keys[1], hour .. '|' .. i .. '|' .. model, amount) end
    end
    redis.call('EXPIRE', keys[1], retention)
    redis.call('SADD', keys[2], project)
    redis.call('EXPIRE', keys[2], retention)
    local tokens = tonumber(args[at + 5]) + tonumber(args[at + 7])
    if tokens > 0 then countIn(keys[4], tokens) end
    local nanos = tonumber(args[at + 8])
    if nanos == 0 then return {} end
    local before, after = countSpend(keys, month, nanos)
    local passed = findPassed(keys, before, after)
    for i = 1, #passed, 2 do
      local resource = {id = passed[i], threshold_amount = tonumber(passed[i + 1])}
      local entry = {type = 'spend_alert.passed', project = project, actor = {type = 'server', name = 'server'}, resource = resource}
      redis.call('XADD', keys[7], 'MAXLEN', '~', args[at + 10], '*', 'd', cjson.encode(entry))
    end
    return passed
  end
`;

/** The `keys` of `countUsage`. */
export function countUsageKeys({ organization }: RedisLayout, project: string, endedAtMs: number): string[] {
  const day = dayOf(endedAtMs);
  const { usageOf, usageProjects, spendOf, tokensOf, limitsOf, alertsOf, audit } = organization;
  const counters = [usageOf(project, day), usageProjects(day), spendOf(project), tokensOf(project)];
  return [...counters, limitsOf(project), alertsOf(project), audit];
}

/** The `args` of `countUsage`. */
export function countUsageArgs(
  project: string,
  endedAtMs: number,
  usage: ResponseUsage,
  { usageRetentionDays, auditLogMaxEntries }: AccountingSettings,
): (string | number)[] {
  const period = [hourOf(endedAtMs), monthOf(endedAtMs)];
  const model = usage.model.slice(0, MAX_MODEL_LENGTH);
  const amounts = METRICS.map((metric) => usage[metric]);
  return [project, ...period, model, ...amounts, usageRetentionDays * 24 * 60 * 60, auditLogMaxEntries];
}

export class UsageCounts {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** The projects with usage on a day (days since the Unix epoch). */
  async listProjects(day: number): Promise<string[]> {
    return await this.#redis.smembers(this.#layout.organization.usageProjects(day));
  }

  async readDay(project: string, day: number): Promise<UsageCell[]> {
    const fields = await this.#redis.hgetall(this.#layout.organization.usageOf(project, day));
    const cells = new Map<string, UsageCell>();
    for (const [field, value] of Object.entries(fields)) {
      const match = /^(\d+)\|(\d)\|(.*)$/s.exec(field);
      if (match === null) continue;
      const [, hour, index, model] = match;
      const id = `${hour}|${model}`;
      const cell = cells.get(id) ?? { hour: Number(hour), model: model!, sums: noUsage() };
      cell.sums[METRICS[Number(index)]!] = Number(value);
      cells.set(id, cell);
    }
    return [...cells.values()];
  }

  /** Billionths of a US dollar that the project has spent in the month of `atMs`. */
  async readSpendNanos(project: string, atMs: number): Promise<number> {
    return Number((await this.#redis.hget(this.#layout.organization.spendOf(project), monthOf(atMs))) ?? 0);
  }
}

export function noUsage(): UsageSums {
  return { requests: 0, inputTokens: 0, cachedTokens: 0, outputTokens: 0, costNanos: 0 };
}

export function addSums(sums: UsageSums, more: UsageSums): void {
  for (const metric of METRICS) sums[metric] += more[metric];
}
