/** Tokens and cost by day, project or model. */
import { useComputed, useSignal } from "@preact/signals";
import type { CostResult, UsageResult } from "../../../protocol/organization/usage.ts";
import { serverNowMs } from "../api/clock.ts";
import { usePolling } from "../api/poll.ts";
import { projects } from "../api/projects.ts";
import { ApiError, query, request } from "../api/requests.ts";
import { valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { Empty, Problem } from "../ui/parts.ts";
import { formatCost, formatCount } from "../words/durations.ts";
import { addUp, type Bucket, type Grouping, type UsageRow } from "./usage-data.ts";

const REFRESH_MS = 30_000;
const DAY_SECONDS = 86_400;
const GROUPINGS: readonly Grouping[] = ["day", "project", "model"];
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const nameDay = (startSeconds: number): string => day.format(new Date(startSeconds * 1000));

interface Page<T> {
  data: Bucket<T>[];
  has_more: boolean;
  next_page: string | null;
}

export function UsagePage() {
  const days = useSignal(30);
  const by = useSignal<Grouping>("day");
  const loaded = usePolling((signal) => load(days.value, by.value, signal), {
    everyMs: REFRESH_MS,
    inputs: [days.value, by.value],
  });
  const rows = useComputed(() => withProjectNames(loaded.value.value ?? [], by.value));
  return html`<section>
    <h1>Usage</h1>
    <form class="filters" aria-label="Usage" onSubmit=${(event: Event) => event.preventDefault()}>
      <label class="field">
        Time
        <select value=${String(days.value)} onChange=${(event: Event) => (days.value = Number(valueOf(event)))}>
          ${[1, 7, 30].map((each) => html`<option key=${each} value=${String(each)}>${each === 1 ? "today (UTC)" : `last ${each} days`}</option>`)}
        </select>
      </label>
      <label class="field">
        By
        <select value=${by.value} onChange=${(event: Event) => (by.value = toGrouping(valueOf(event)))}>
          ${GROUPINGS.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
        </select>
      </label>
    </form>
    ${loaded.error.value !== undefined && html`<${Problem}>${loaded.error.value}<//>`}
    ${loaded.value.value?.length === 0 && html`<${Empty}>No model was called in this time.<//>`}
    ${rows.value.length > 0 && html`<${UsageTable} rows=${rows.value} by=${by.value} />`}
  </section>`;
}

function toGrouping(value: string): Grouping {
  return GROUPINGS.find((each) => each === value) ?? "day";
}

function UsageTable({ rows, by }: { rows: readonly UsageRow[]; by: Grouping }) {
  const most = rows.reduce((max, { inputTokens, outputTokens }) => Math.max(max, inputTokens + outputTokens), 1);
  const hasCost = rows.some(({ costUsd }) => costUsd > 0);
  const total = (value: (row: UsageRow) => number): number => rows.reduce((sum, row) => sum + value(row), 0);
  return html`<table class="rows">
    <thead>
      <tr>
        ${[by, "Tokens", "Input", "Output", "Model calls", "Cost"].map((name) => html`<th key=${name} scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(({ name, inputTokens, outputTokens, requests, costUsd }) => {
        const tokens = inputTokens + outputTokens;
        return html`<tr key=${name}>
          <th scope="row" data-label=${by}>${name}</th>
          <td data-label="Tokens">
            <meter max=${most} value=${tokens} aria-label=${`Tokens of ${name}`}></meter> ${formatCount(tokens)}
          </td>
          <td data-label="Input" class="number">${formatCount(inputTokens)}</td>
          <td data-label="Output" class="number">${formatCount(outputTokens)}</td>
          <td data-label="Model calls" class="number">${formatCount(requests)}</td>
          <td data-label="Cost" class="number">${hasCost ? formatCost(costUsd) : ""}</td>
        </tr>`;
      })}
    </tbody>
    <tfoot>
      <tr>
        <th scope="row" data-label=${by}>Total</th>
        <td data-label="Tokens">${formatCount(total((row) => row.inputTokens + row.outputTokens))}</td>
        <td data-label="Input" class="number">${formatCount(total((row) => row.inputTokens))}</td>
        <td data-label="Output" class="number">${formatCount(total((row) => row.outputTokens))}</td>
        <td data-label="Model calls" class="number">${formatCount(total((row) => row.requests))}</td>
        <td data-label="Cost" class="number">${hasCost ? formatCost(total((row) => row.costUsd)) : ""}</td>
      </tr>
    </tfoot>
  </table>`;
}

async function load(days: number, by: Grouping, signal: AbortSignal): Promise<UsageRow[]> {
  const today = Math.floor(serverNowMs() / 1000 / DAY_SECONDS) * DAY_SECONDS;
  const common = { start_time: today - (days - 1) * DAY_SECONDS, bucket_width: "1d", limit: days };
  const groups = (name: string): string[] => (by === "project" ? ["project_id"] : by === "model" ? [name] : []);
  const [usage, costs] = await Promise.all([
    readPages<UsageResult>("usage/completions", { ...common, group_by: groups("model") }, signal),
    readPages<CostResult>("costs", { ...common, group_by: groups("line_item") }, signal).catch(withoutCosts),
  ]);
  return addUp(usage, costs, by, nameDay);
}

/** A server without prices or costs still has usage. */
function withoutCosts(error: unknown): Bucket<CostResult>[] {
  if (error instanceof ApiError && error.status < 500) return [];
  throw error;
}

const MAX_PAGES = 20;

async function readPages<T>(
  path: string,
  parameters: Record<string, string | number | readonly string[]>,
  signal: AbortSignal,
): Promise<Bucket<T>[]> {
  const buckets: Bucket<T>[] = [];
  let page: string | undefined;
  for (let i = 0; i < MAX_PAGES; i += 1) {
    const answer = await request<Page<T>>("GET", `organization/${path}${query({ ...parameters, page })}`, { signal });
    for (const bucket of answer.data) buckets.push(bucket);
    if (!answer.has_more || answer.next_page === null) break;
    page = answer.next_page;
  }
  return buckets;
}

function withProjectNames(rows: readonly UsageRow[], by: Grouping): readonly UsageRow[] {
  if (by !== "project") return rows;
  const names = new Map(projects.value.map(({ id, name }) => [id, name]));
  return rows.map((row) => ({ ...row, name: names.get(row.name) ?? row.name }));
}
