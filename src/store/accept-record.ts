/**
 * Acceptance in one step, where one Redis node holds both the in-flight set and the records: one script adds the response
 * to the set, counts its bytes and writes its record. This saves a round trip, and no crash can interrupt it.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import type { EncodedRecord } from "./encoded-record.ts";
import {
  ADD_IN_FLIGHT_LUA,
  ADD_IN_FLIGHT_ARG_COUNT,
  ADD_IN_FLIGHT_KEY_COUNT,
  addInFlightArgs,
  type InFlightAddition,
  addInFlightKeys,
  type ExceededReply,
  type LimitExceeded,
  type RateReply,
  toLimitExceeded,
} from "./add-in-flight-script.ts";
import { type ProjectLimits, type RequestRate, toRequestRate } from "./organization/project-limits.ts";
import { isLargeRecord } from "./staged-record.ts";
import { CREATE_RECORD_LUA, CREATE_RECORD_KEY_COUNT, createRecordArgs } from "./write-record.ts";

/*
 * KEYS  those of `addInFlight`, then those of `create`
 * ARGV  those of `addInFlight`, then those of `create`
 * Returns {{'accepted', 1 if the record was created, 0 if it exists already}, rate}, or what `addInFlight` returns.
 */
const acceptScript = defineScript<[["accepted", 0 | 1] | ExceededReply, RateReply]>(
  "acceptResponse",
  ADD_IN_FLIGHT_KEY_COUNT + CREATE_RECORD_KEY_COUNT,
  `${ADD_IN_FLIGHT_LUA}${CREATE_RECORD_LUA}
  local outcome, rate = addInFlight(KEYS, ARGV)
  if outcome[1] ~= 'entered' then return {outcome, rate} end
  local keys = {}
  for i = 1, ${CREATE_RECORD_KEY_COUNT} do keys[i] = KEYS[${ADD_IN_FLIGHT_KEY_COUNT} + i] end
  return {{'accepted', create(keys, ARGV, ${ADD_IN_FLIGHT_ARG_COUNT + 1})}, rate}
`,
);

export type AcceptOutcome = ({ kind: "accepted"; isNew: boolean } | LimitExceeded) & { rate: RequestRate | undefined };

/** Whether one script can accept the record: it is small, and on the same node as the in-flight set. */
export function canAcceptInOneStep(layout: RedisLayout, record: EncodedRecord): boolean {
  return !layout.sharded && !isLargeRecord(record);
}

/** Accepts a response unless its project is at a limit. Exact under concurrency. */
export async function acceptInFlightRecord(
  redis: RedisClient,
  layout: RedisLayout,
  record: EncodedRecord,
  addition: InFlightAddition,
  limits: ProjectLimits,
): Promise<AcceptOutcome> {
  const [reply, rate] = await acceptScript(
    redis,
    addInFlightKeys(layout, addition.project),
    layout.keysOf(record.id),
    addInFlightArgs(addition, limits),
    createRecordArgs(record),
  );
  const outcome =
    reply[0] === "accepted" ? ({ kind: "accepted", isNew: reply[1] === 1 } as const) : toLimitExceeded(reply, rate);
  return { ...outcome, rate: toRequestRate(rate) };
}
