/**
 * What the end of a response changed, in the record beside its status: a list shows an ended response without reading its
 * output. It is written after the end, so a failover that undoes the end undoes it too. Without it, readers use the terminal
 * event.
 */
import { z } from "zod";
import type { Response } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** The fields that a terminal event can change, apart from `output` (src/lifecycle/lifecycle-events.ts). */
export const ENDING_FIELDS = [
  "status",
  "completed_at",
  "error",
  "incomplete_details",
  "moderation",
  "service_tier",
  "tool_usage",
  "usage",
] as const satisfies (keyof Response)[];

const recordedEndingSchema = z.object({
  fields: z.record(z.string(), z.unknown()),
  /** Ids of the approval requests in the output. */
  asks: z.array(z.string()),
});
export type RecordedEnding = z.infer<typeof recordedEndingSchema>;

export function endingOf(response: Response): RecordedEnding {
  return {
    fields: Object.fromEntries(ENDING_FIELDS.map((name) => [name, response[name]])),
    asks: response.output.flatMap((item) => (item.type === "mcp_approval_request" ? [item.id] : [])),
  };
}

/*
 * KEYS  meta
 * ARGV  the ending as JSON
 */
const writeScript = defineScript<null>(
  "recordEnding",
  1,
  `
  local status = redis.call('HGET', KEYS[1], 'status')
  if not status or status == 'queued' or status == 'in_progress' then return end
  redis.call('HSET', KEYS[1], 'listedEnding', ARGV[1])
`,
  { runsWhenFull: true },
);

/** Records the end of a response that has ended. */
export async function writeEnding(
  redis: RedisClient,
  layout: RedisLayout,
  id: string,
  ending: RecordedEnding,
): Promise<void> {
  await writeScript(redis, layout.meta(id), JSON.stringify(ending));
}

/** Undefined if the record lacks it. */
export function parseEnding(listedEnding: string | null | undefined): RecordedEnding | undefined {
  return listedEnding == null ? undefined : recordedEndingSchema.parse(JSON.parse(listedEnding));
}
