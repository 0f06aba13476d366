/**
 * The removal of a response from the in-flight set, in one step with what follows from it: its stored bytes count from now on
 * as kept, its end enters the outbox of webhooks, and it is listed as ended.
 */
import type { ResponseStatus } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { RESPONSE_LIST_LUA } from "./lists/response-list-scripts.ts";
import {
  type AccountingSettings,
  COUNT_USAGE_LUA,
  countUsageArgs,
  countUsageKeys,
  type PassedThreshold,
  type ResponseUsage,
} from "./organization/usage-counts.ts";
import { COUNT_BYTES_LUA, TRIM_COUNT } from "./stored-bytes.ts";
import { type EndedRun, MAX_OUTBOX_ENTRIES, OUTBOX_LUA } from "./webhook-outbox.ts";

/** What an ended response keeps stored until its expiry, and how it is listed. */
export interface RetainedResponse {
  bytes: number;
  expiresAtMs: number;
  status: ResponseStatus;
  /** Approval requests that it makes, encoded (lists/response-list.ts). */
  asks: string;
}

/** An ended response: what it keeps stored, what it used, and the event of its end. */
export interface EndedResponse {
  retained?: RetainedResponse | undefined;
  usage?: ResponseUsage | undefined;
  /** The end, for the hour in which the usage counts. */
  endedAtMs: number;
  /** Undefined if its end is no event. */
  end?: EndedRun | undefined;
  /** Approval requests that its input answered, encoded. */
  answers?: string;
}

/**
 * `removed`: by this call, or concluded by it after a process of the last release had removed it; once per response. `absent`: it was not in flight. `kept`: it runs. `event`: what became of its
 * webhook event. `passed`: thresholds of the project's spend that this response has passed.
 */
export interface RemovalOutcome {
  kind: "removed" | "absent" | "kept";
  event: "none" | "outboxed" | "dropped";
  passed: PassedThreshold[];
}

const REMOVALS: Readonly<Record<Removal, Omit<RemovalOutcome, "passed">>> = {
  kept: { kind: "kept", event: "none" },
  absent: { kind: "absent", event: "none" },
  removed: { kind: "removed", event: "none" },
  outboxed: { kind: "removed", event: "outboxed" },
  full: { kind: "removed", event: "dropped" },
};

/**
 * `kept`: the record has no end that readers may see. `absent`: it was not in the set. `outboxed`: removed, and its event is in
 * the outbox. `full`: removed, and the outbox had no room for its event.
 */
type Removal = "kept" | "absent" | "removed" | "outboxed" | "full";

/*
 * KEYS  in flight, in flight of the project, sums, sizes, expiries, those of `countUsage`, outbox, webhook endpoints of the
 *       project, root of the list, and the record if the script must check it
 * ARGV  response id, project or '', bytes, expiry (both '' if nothing is retained), '1' if replicas are required, status ('' if
 *       its end is no event), end in unix milliseconds, '1' if the project surely has endpoints, limit of the outbox,
 *       status in the list, approval requests, answered approval requests, and those of `countUsage` if the response used
 *       anything
 * Returns {Removal, passed thresholds}. Removal, usage and event are one step: the response leaves the set once, and then its
 * usage is counted and its event is in the outbox. A process of the last release removes it and does neither: the list then
 * still has it open, and the call that concludes it there is the first that knows its end. A deleted response is in neither set and not counted, so the late step of
 * a worker must not count it again.
 */
const removeScript = defineScript<[removal: Removal, passed?: string[]]>(
  "removeOpenResponse",
  "any",
  `${COUNT_BYTES_LUA}${COUNT_USAGE_LUA}${OUTBOX_LUA}${RESPONSE_LIST_LUA}
  local id, project, status = ARGV[1], ARGV[2], ARGV[6]
  local stored, list = {KEYS[3], KEYS[4], KEYS[5]}, KEYS[15]
  if KEYS[16] then
    local meta = redis.call('HMGET', KEYS[16], 'status', 'last', 'durable')
    if meta[1] == 'queued' or meta[1] == 'in_progress' then return {'kept'} end
    if ARGV[5] == '1' and meta[3] and tonumber(meta[3]) < tonumber(meta[2]) then return {'kept'} end
    if status ~= '' and meta[1] then status = meta[1] end
  end
  local wasInFlight = redis.call('ZREM', KEYS[1], id) == 1
  local removal = wasInFlight and 'removed' or 'absent'
  if project == '' then return {removal} end
  trim(stored, project, ${TRIM_COUNT})
  if ARGV[3] == '' then
    drop(stored, project, id)
    -- A list may continue after a response that was deleted, but no client knows one that never ended.
    local isOpen = redis.call('ZSCORE', listKey(list, 'open', project), id)
    if isOpen then forget(list, project, id) else delist(list, project, id) end
  elseif wasInFlight or redis.call('HEXISTS', KEYS[4], id) == 1 then
    put(stored, project, id, ARGV[3], ARGV[4])
  end
  local isFirstEnd = wasInFlight
  if ARGV[3] ~= '' and conclude(list, project, id, ARGV[10], ARGV[11], ARGV[4]) then isFirstEnd = true end
  if ARGV[12] ~= '' then answer(list, project, ARGV[12]) end
  redis.call('ZREM', KEYS[2], id)
  if not isFirstEnd then return {removal} end
  removal = 'removed'
  local passed = {}
  if ARGV[13] then
    passed = countUsage({KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]}, ARGV, 13)
  end
  if status ~= '' then
    local event = {id = id, project = project, status = status}
    removal = putIntoOutbox(KEYS[13], KEYS[14], event, ARGV[7], ARGV[8], ARGV[9])
  end
  return {removal, passed}
`,
  { runsWhenFull: true },
);

export interface Removed {
  id: string;
  project: string | undefined;
  /** The key of the record, if the script must check it. */
  records: string[];
  ended?: EndedResponse | undefined;
}

export interface RemovalSettings {
  requiresReplicas: boolean;
  accounting: AccountingSettings;
}

export async function removeInFlight(
  redis: RedisClient,
  layout: RedisLayout,
  { id, project = "", records, ended = { endedAtMs: 0 } }: Removed,
  { requiresReplicas, accounting }: RemovalSettings,
): Promise<RemovalOutcome> {
  const { retained, end, usage, endedAtMs, answers = "" } = ended;
  const { inFlight, inFlightOf, storedBytes, webhookOutbox, webhookEndpointsOf, responseList } = layout;
  const counted = countUsageKeys(layout, project, endedAtMs);
  const sets = [inFlight, inFlightOf(project), ...storedBytes(project)];
  const keys = [...sets, ...counted, webhookOutbox, webhookEndpointsOf(project), responseList, ...records];
  const size = [retained?.bytes ?? "", retained?.expiresAtMs ?? ""];
  const event = [end?.status ?? "", end?.endedAtMs ?? 0, end?.hasEndpoints === true ? "1" : "", MAX_OUTBOX_ENTRIES];
  const listed = [retained?.status ?? "", retained?.asks ?? "", answers];
  const usageArgs = usage === undefined ? [] : countUsageArgs(project, endedAtMs, usage, accounting);
  const args = [id, project, ...size, requiresReplicas ? "1" : "", ...event, ...listed, ...usageArgs];
  const [removal, passed = []] = await removeScript(redis, keys.length, keys, args);
  return { ...REMOVALS[removal], passed: toThresholds(passed) };
}

/** `passed`: id, cents, … */
function toThresholds(passed: readonly string[]): PassedThreshold[] {
  return passed.flatMap((id, i) => (i % 2 === 0 ? [{ id, cents: Number(passed[i + 1]) }] : []));
}
