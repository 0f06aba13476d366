/**
 * Acceptance in one step, where one node holds the set of open responses and the records: a response enters the set, is
 * counted and is recorded in one script. It saves a round trip, and no crash can come in between.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import type { EncodedRecord } from "./encoded-record.ts";
import {
  ENTERING,
  ENTERING_ARGS,
  ENTERING_KEYS,
  enteringArgs,
  type EnteringResponse,
  enteringKeys,
  type ProjectBounds,
  type Refusal,
} from "./open-responses.ts";
import { isLarge } from "./staged-record.ts";
import { CREATING, CREATING_KEYS, creatingArgs } from "./write-record.ts";

/*
 * KEYS  those of `enter`, then those of `create`
 * ARGV  those of `enter`, then those of `create`
 * Returns {'accepted', 1 if the record was created, 0 if it was there already}, or the refusal of `enter`.
 */
const acceptScript = defineScript<["accepted", 0 | 1] | ["full"] | ["storage", number]>(
  "acceptResponse",
  ENTERING_KEYS + CREATING_KEYS,
  `${ENTERING}${CREATING}
  local refusal = enter(KEYS, ARGV)
  if refusal then return refusal end
  local keys = {}
  for i = 1, ${CREATING_KEYS} do keys[i] = KEYS[${ENTERING_KEYS} + i] end
  return {'accepted', create(keys, ARGV, ${ENTERING_ARGS + 1})}
`,
);

export type Accepted = { kind: "accepted"; isNew: boolean } | Refusal;

/** Whether a record can be accepted in one step: it is written in one, and next to the set of open responses. */
export function isAcceptedAtOnce(layout: RedisLayout, record: EncodedRecord): boolean {
  return !layout.sharded && !isLarge(record);
}

/** Accepts a response unless its project is at a bound. Exact, however many ask at once. */
export async function acceptRecord(
  redis: RedisClient,
  layout: RedisLayout,
  record: EncodedRecord,
  entering: EnteringResponse,
  bounds: ProjectBounds,
): Promise<Accepted> {
  const answer = await acceptScript(
    redis,
    enteringKeys(layout, entering.project),
    layout.keysOf(record.id),
    enteringArgs(entering, bounds),
    creatingArgs(record),
  );
  if (answer[0] === "accepted") return { kind: "accepted", isNew: answer[1] === 1 };
  return answer[0] === "full" ? { kind: "full" } : { kind: "storage", kept: answer[1] };
}
