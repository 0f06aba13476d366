/**
 * The removal of a response from the in-flight set, in one step with what follows from it: its stored bytes count from now on
 * as kept, and its end enters the outbox of webhooks.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { COUNT_BYTES_LUA } from "./stored-bytes.ts";
import { type EndedRun, MAX_OUTBOX_ENTRIES, OUTBOX_LUA } from "./webhook-outbox.ts";

/** The bytes that an ended response keeps stored, and their expiry. */
export interface RetainedSize {
  bytes: number;
  expiresAtMs: number;
}

/** The end of a response, and what happens to it in the sets. */
export interface EndedResponse {
  retained?: RetainedSize | undefined;
  /** Undefined if its end is no event. */
  end?: EndedRun | undefined;
}

/**
 * `removed`: by this call, once per response. `absent`: it was not in flight. `kept`: it runs. `event`: what became of its
 * webhook event.
 */
export interface RemovalOutcome {
  kind: "removed" | "absent" | "kept";
  event: "none" | "outboxed" | "dropped";
}

const REMOVALS: Readonly<Record<Removal, RemovalOutcome>> = {
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
 * KEYS  in flight, in flight of the project, sums, sizes, expiries, outbox, webhook endpoints of the project, and the record
 *       if the script must check it
 * ARGV  response id, project or '', bytes, expiry (both '' if nothing is retained), '1' if replicas are required, status ('' if
 *       its end is no event), end in unix milliseconds, '1' if the project surely has endpoints, limit of the outbox
 * Returns a Removal. Removal and event are one step: the response leaves the set once, and its event is in the outbox then. A
 * deleted response is in neither set and not counted, so the late step of a worker must not count it again.
 */
const removeScript = defineScript<Removal>(
  "removeOpenResponse",
  "any",
  `${COUNT_BYTES_LUA}${OUTBOX_LUA}
  local id, project, status = ARGV[1], ARGV[2], ARGV[6]
  local stored = {KEYS[3], KEYS[4], KEYS[5]}
  if KEYS[8] then
    local meta = redis.call('HMGET', KEYS[8], 'status', 'last', 'durable')
    if meta[1] == 'queued' or meta[1] == 'in_progress' then return 'kept' end
    if ARGV[5] == '1' and meta[3] and tonumber(meta[3]) < tonumber(meta[2]) then return 'kept' end
    if status ~= '' and meta[1] then status = meta[1] end
  end
  local wasInFlight = redis.call('ZREM', KEYS[1], id) == 1
  local removal = wasInFlight and 'removed' or 'absent'
  if project == '' then return removal end
  if ARGV[3] == '' then
    drop(stored, project, id)
  elseif wasInFlight or redis.call('HEXISTS', KEYS[4], id) == 1 then
    put(stored, project, id, ARGV[3], ARGV[4])
  end
  redis.call('ZREM', KEYS[2], id)
  if not wasInFlight or status == '' then return removal end
  return putIntoOutbox(KEYS[6], KEYS[7], {id = id, project = project, status = status}, ARGV[7], ARGV[8], ARGV[9])
`,
  { runsWhenFull: true },
);

export interface Removed {
  id: string;
  project: string | undefined;
  /** The key of the record, if the script must check it. */
  records: string[];
  ended: EndedResponse;
}

export async function removeInFlight(
  redis: RedisClient,
  layout: RedisLayout,
  { id, project = "", records, ended: { retained, end } }: Removed,
  requiresReplicas: boolean,
): Promise<RemovalOutcome> {
  const { inFlight, inFlightOf, storedBytes, webhookOutbox, webhookEndpointsOf } = layout;
  const outbox = [webhookOutbox, webhookEndpointsOf(project)];
  const keys = [inFlight, inFlightOf(project), ...storedBytes(project), ...outbox, ...records];
  const size = [retained?.bytes ?? "", retained?.expiresAtMs ?? ""];
  const replicas = requiresReplicas ? "1" : "";
  const event = [end?.status ?? "", end?.endedAtMs ?? 0, end?.hasEndpoints === true ? "1" : "", MAX_OUTBOX_ENTRIES];
  return REMOVALS[await removeScript(redis, keys.length, keys, id, project, size, replicas, event)];
}
