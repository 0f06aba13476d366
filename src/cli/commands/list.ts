/** `list`: the responses of the project, newest first. */
import { z } from "zod";
import { responseStatusSchema } from "../../protocol/response.ts";
import { runSchema } from "../../protocol/run.ts";
import type { ClientCli, JsonFlag } from "../cli.ts";
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
  const answer = await client.get("/responses", { query: buildQuery(flags) }).asResponse();
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

function alignColumns(rows: readonly string[][]): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const visible = widths.flatMap((width, i) => (width > 0 ? [i] : []));
  return rows.map((row) =>
    visible
      .map((i) => (row[i] ?? "").padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}
