/** The part of a response's record that a list needs: whether it is listed, in which status, and what its end changed. */
import { isTerminalStatus, type ResponseStatus, responseStatusSchema } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";
import { parseEnding, type RecordedEnding } from "./recorded-ending.ts";
import { isEndHidden } from "./response-record.ts";

export interface ListedRecord {
  id: string;
  /** As readers see it. */
  status: ResponseStatus;
  /** Whether the opening event and this record are all that the list shows. Otherwise readers use the log. */
  isPlain: boolean;
  ending: RecordedEnding | undefined;
  /** Size of request, input and log. */
  bytes: number;
}

/** Undefined if readers see no such response: it expired, was deleted, or is not published yet. */
export async function readListedRecord(
  redis: RedisClient,
  layout: RedisLayout,
  id: string,
): Promise<ListedRecord | undefined> {
  const [stored, readable, deleted, durable, bytes, last, listedEnding] = await redis.hmget(
    layout.meta(id),
    "status",
    "readable",
    "deleted",
    "durable",
    "bytes",
    "last",
    "listedEnding",
  );
  if (stored == null || readable !== "1" || deleted === "1" || durable === "-1") return undefined;
  const status = responseStatusSchema.parse(stored);
  const progress = { status, last: Number(last), durable: durable == null ? undefined : Number(durable) };
  const isHidden = isEndHidden(progress);
  const ending = isTerminalStatus(status) && !isHidden ? parseEnding(listedEnding) : undefined;
  return {
    id,
    status: isHidden ? "in_progress" : status,
    isPlain: !isHidden && (ending !== undefined || !isTerminalStatus(status)),
    ending,
    bytes: Number(bytes ?? 0),
  };
}
