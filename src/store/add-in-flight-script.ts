/** For the scripts that add a response to the in-flight set: within its project's limits, which they also count. */
import type { RedisLayout } from "../redis/layout.ts";
import { INDEX_OPEN_LUA } from "./lists/list-scripts.ts";
import {
  PROJECT_LIMITS_LUA,
  type ProjectLimits,
  type RequestRate,
  toRequestRate,
} from "./organization/project-limits.ts";
import { monthOf } from "./organization/usage-periods.ts";
import { COUNT_BYTES_LUA } from "./stored-bytes.ts";

/*
 * For scripts that add a response. `keys`: in flight, in flight of the project, projects, sums, sizes, expiries, those of
 * PROJECT_LIMITS_LUA, and the root of the list. `args`: response id, unix milliseconds, project, limit of responses, bytes,
 * limit of bytes, those of PROJECT_LIMITS_LUA, and its tokens in the list ('' if it is not listed). The limits are the settings'; those of the project's own replace them.
 * `addInFlight` returns {'entered'} if the response is added and counted; else {'full', limit}, {'storage', limit, stored
 * bytes} or what `findExceeded` returns; and as a second value what `rateOf` returns. A response that is in flight already is
 * no further request.
 */
export const ADD_IN_FLIGHT_LUA = `${COUNT_BYTES_LUA}${PROJECT_LIMITS_LUA}${INDEX_OPEN_LUA}
  local function addInFlight(keys, args)
    local id, project = args[1], args[3]
    local stored, limited = {keys[4], keys[5], keys[6]}, {keys[7], keys[8], keys[9], keys[10]}
    local own = limitsOf(limited[1])
    local maxOpen, maxBytes = tonumber(own.open or args[4]), tonumber(own.bytes or args[6])
    local maxRequests = tonumber(own.requests or args[7])
    -- Few requests exceed a limit, so the others pay for no look before.
    local isNew = redis.call('ZADD', keys[1], 'NX', args[2], id) == 1
    local isNewOfProject = redis.call('ZADD', keys[2], 'NX', args[2], id) == 1
    local exceeded = isNew and findExceeded(limited, {args[7], args[8], args[9]}, own)
    if not exceeded and maxOpen > 0 and isNewOfProject and redis.call('ZCARD', keys[2]) > maxOpen then
      exceeded = {'full', maxOpen}
    end
    if not exceeded and not fits(stored, project, id, args[5], maxBytes) then
      exceeded = {'storage', maxBytes, sum(stored, project)}
    end
    if exceeded then
      if isNew then redis.call('ZREM', keys[1], id) end
      if isNewOfProject then redis.call('ZREM', keys[2], id) end
      return exceeded, rateOf(limited[2], maxRequests)
    end
    putOpen(stored, project, id, args[5])
    redis.call('SADD', keys[3], project)
    -- The same admission, sent again, must not reopen a response that has ended.
    if args[10] ~= '' then
      local entry = args[2] .. ' 0 ' .. args[10] .. ' '
      local isUnlisted = redis.call('HSETNX', listKey(keys[11], 'entries', project), id, entry) == 1
      if isUnlisted then indexOpen(keys[11], project, id, args[2]) end
    end
    if isNew and maxRequests > 0 then countIn(limited[2], 1) end
    return {'entered'}, rateOf(limited[2], maxRequests)
  end
`;
/** Numbers of `keys` and `args`. */
export const ADD_IN_FLIGHT_KEY_COUNT = 11;
export const ADD_IN_FLIGHT_ARG_COUNT = 10;

export type RateReply = [limit: number, used: number, resetMs: number];
export type ExceededReply =
  | ["full", limit: number]
  | ["storage", limit: number, storedBytes: number]
  | ["spend", cents: string]
  | ["requests"]
  | ["tokens", limit: number, resetMs: number];

/** The project is at one of its limits. */
export type LimitExceeded =
  | { kind: "full"; limit: number }
  | { kind: "storage"; limit: number; storedBytes: number }
  | { kind: "spend"; cents: number }
  | { kind: "requests"; rate: RequestRate | undefined }
  | { kind: "tokens"; limit: number; resetSeconds: number };

export function toLimitExceeded(reply: ExceededReply, rate: RateReply): LimitExceeded {
  switch (reply[0]) {
    case "full":
      return { kind: "full", limit: reply[1] };
    case "storage":
      return { kind: "storage", limit: reply[1], storedBytes: reply[2] };
    case "spend":
      return { kind: "spend", cents: Number(reply[1]) };
    case "requests":
      return { kind: "requests", rate: toRequestRate(rate) };
    case "tokens":
      return { kind: "tokens", limit: reply[1], resetSeconds: Math.max(1, Math.ceil(reply[2] / 1000)) };
  }
}

export interface InFlightAddition {
  id: string;
  project: string;
  nowMs: number;
  /** Size at acceptance. */
  bytes: number;
  /** Its tokens in the list of responses. Absent if no client may read it. */
  listTokens?: string | undefined;
}

/** The `keys` of `addInFlight`. */
export function addInFlightKeys(layout: RedisLayout, project: string): string[] {
  const { limitsOf, requestsOf, tokensOf, spendOf } = layout.organization;
  const stored = layout.storedBytes(project);
  const limited = [limitsOf(project), requestsOf(project), tokensOf(project), spendOf(project)];
  return [
    layout.inFlight,
    layout.inFlightOf(project),
    layout.inFlightProjects,
    ...stored,
    ...limited,
    layout.responseList,
  ];
}

/** The `args` of `addInFlight`. */
export function addInFlightArgs(
  { id, project, nowMs, bytes, listTokens = "" }: InFlightAddition,
  { maxOpen, maxStoredBytes, maxRequestsPerMinute, maxTokensPerMinute }: ProjectLimits,
): (string | number)[] {
  const limits = [maxRequestsPerMinute, maxTokensPerMinute, monthOf(nowMs)];
  return [id, nowMs, project, maxOpen, bytes, maxStoredBytes, ...limits, listTokens];
}
