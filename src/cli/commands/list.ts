/** `list`: the responses of the project, newest first. */
import { z } from "zod";
import { responseStatusSchema } from "../../protocol/response.ts";
import { runSchema } from "../../protocol/run.ts";
import type { ClientCli, JsonFlag } from "../cli.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { describeCount, describeDuration } from "../words/duration.ts";
import { describeStep } from "../words/step.ts";
import { parsePair } from "./submit.ts";

export interface ListFlags extends JsonFlag {
  limit: string;
  order?: string;
  after?: string;
  before?: string;
  status?: string[];
  model?: string;
  waiting?: boolean;
  metadata?: string[];
  project?: string;
}

const entrySchema = z.looseObject({
  id: z.string(),
  status: responseStatusSchema,
  model: z.string(),
  created_at: z.number(),
  run: runSchema.nullish(),
});
const pageSchema = z.looseObject({ data: z.array(entrySchema), last_id: z.string().nullish(), has_more: z.boolean() });
type Entry = z.infer<typeof entrySchema>;

export async function list({ client, terminal }: ClientCli, flags: ListFlags): Promise<number> {
  const answer = await client
    .get("/responses", { query: buildQuery(flags) })
    .asResponse()
    .catch(explainMissing);
  const page = pageSchema.parse(await answer.json());
  const nowMs = Date.parse(answer.headers.get("date") ?? "");
  if (flags.json) {
    for (const entry of page.data) terminal.print(JSON.stringify(entry));
    return 0;
  }
  const rows = page.data.map((entry) => describeEntry(entry, nowMs));
  for (const line of alignColumns(rows)) terminal.print(line);
  if (page.data.length === 0) terminal.note("No response matches.");
  if (page.has_more) terminal.note(`There are more: --after ${page.last_id}`);
  return 0;
}

/** The hosted API has no such list, and no id could be unknown here. */
function explainMissing(error: unknown): never {
  const isMissing = error instanceof Error && "status" in error && error.status === 404;
  throw isMissing ? new CliError("This server has no list of responses.", EXIT.rejected) : error;
}

function buildQuery({ limit, order, after, before, status = [], model, waiting, metadata = [], project }: ListFlags) {
  return {
    limit,
    "include[]": "run",
    ...(order !== undefined && { order }),
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
    ...(status.length > 0 && { status }),
    ...(model !== undefined && { model }),
    ...(waiting && { step: "waiting_for_approval" }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata.map(parsePair)) }),
    ...(project !== undefined && { project }),
  };
}

function describeEntry({ id, status, model, created_at, run }: Entry, nowMs: number): string[] {
  const age = `${describeDuration(nowMs - created_at * 1_000)} ago`;
  if (run == null) return [id, status, age, model];
  const step =
    run.ended_at_ms === null || run.step.type === "waiting_for_approval" ? describeStep(run.step, nowMs) : "";
  const tokens = run.usage === null ? "" : `${describeCount(run.usage.total_tokens)} tokens`;
  const cost = run.cost_usd === null ? "" : `$${run.cost_usd.toFixed(4)}`;
  return [id, status, age, model, tokens, cost, step === "" && run.error !== null ? run.error.code : step];
}

/** Leaves out columns that are empty in all rows. */
function alignColumns(rows: readonly string[][]): string[] {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(cell.length, all[i] ?? 0)).concat(all.slice(row.length)),
    [],
  );
  return rows.map((row) =>
    row
      .flatMap((cell, i) => (widths[i] === 0 ? [] : [cell.padEnd(widths[i]!)]))
      .join("  ")
      .trimEnd(),
  );
}
