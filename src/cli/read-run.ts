/** The run of a response, an extension of this server. */
import type OpenAI from "openai";
import { type Run, runSchema } from "../protocol/run.ts";

const TIMEOUT_MS = 10_000;

export interface ReadRun {
  run: Run;
  /** The server's time, to the second: the clocks of two machines may differ. */
  nowMs: number;
}

export async function readRun(client: OpenAI, id: string, signal?: AbortSignal): Promise<ReadRun> {
  const path = `/responses/${encodeURIComponent(id)}/run`;
  const answer = await client.get(path, { timeout: TIMEOUT_MS, ...(signal && { signal }) }).asResponse();
  const run = runSchema.parse(await answer.json());
  const nowMs = Date.parse(answer.headers.get("date") ?? "");
  return { run, nowMs: Math.max(run.last_event_at_ms, Number.isNaN(nowMs) ? 0 : nowMs) };
}
