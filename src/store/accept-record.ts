/**
 * Acceptance in one step, where one node holds the set of open responses and the records: a response enters the set, is
 * counted and is recorded in one script. It saves a round trip, and no crash can come in between.
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
  type ProjectLimits,
  type LimitExceeded,
} from "./in-flight-responses.ts";
import { isLargeRecord } from "./staged-record.ts";
import { CREATE_RECORD_LUA, CREATE_RECORD_KEY_COUNT, createRecordArgs } from "./write-record.ts";

/*
 * KEYS  those of `enter`, then those of `create`
 * ARGV  those of `enter`, then those of `create`
 * Returns {'accepted', 1 if the record was created, 0 if it was there already}, or the refusal of `enter`.
 */
const acceptScript = defineScript<["accepted", 0 | 1] | ["full"] | ["storage", number]>(
  "acceptResponse",
  ADD_IN_FLIGHT_KEY_COUNT + CREATE_RECORD_KEY_COUNT,
  `${ADD_IN_FLIGHT_LUA}${CREATE_RECORD_LUA}
  local refusal = enter(KEYS, ARGV)
  if refusal then return refusal end
  local keys = {}
  for i = 1, ${CREATE_RECORD_KEY_COUNT} do keys[i] = KEYS[${ADD_IN_FLIGHT_KEY_COUNT} + i] end
  return {'accepted', create(keys, ARGV, ${ADD_IN_FLIGHT_ARG_COUNT + 1})}
`,
);

export type AcceptOutcome = { kind: "accepted"; isNew: boolean } | LimitExceeded;

/** Whether a record can be accepted in one step: it is written in one, and next to the set of open responses. */
export function canAcceptInOneStep(layout: RedisLayout, record: EncodedRecord): boolean {
  return !layout.sharded && !isLargeRecord(record);
}

/** Accepts a response unless its project is at a bound. Exact, however many ask at once. */
export async function acceptInFlightRecord(
  redis: RedisClient,
  layout: RedisLayout,
  record: EncodedRecord,
  addition: InFlightAddition,
  limits: ProjectLimits,
): Promise<AcceptOutcome> {
  const answer = await acceptScript(
    redis,
    addInFlightKeys(layout, addition.project),
    layout.keysOf(record.id),
    addInFlightArgs(addition, limits),
    createRecordArgs(record),
  );
  if (answer[0] === "accepted") return { kind: "accepted", isNew: answer[1] === 1 };
  return answer[0] === "full" ? { kind: "full" } : { kind: "storage", kept: answer[1] };
}
