/** Usage and costs as the admin API answers them, added up for a table. */
import type { CostResult, UsageResult } from "../../../protocol/organization/usage.ts";

export interface Bucket<T> {
  start_time: number;
  end_time: number;
  results: T[];
}

export interface UsageRow {
  name: string;
  inputTokens: number;
  outputTokens: number;
  requests: number;
  costUsd: number;
}

export type Grouping = "day" | "project" | "model";

/** Rows by day are in the order of time; other rows begin with the most tokens. */
export function addUp(
  usage: readonly Bucket<UsageResult>[],
  costs: readonly Bucket<CostResult>[],
  by: Grouping,
  nameDay: (startSeconds: number) => string,
): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  const rowFor = (name: string): UsageRow => {
    const row = rows.get(name) ?? { name, inputTokens: 0, outputTokens: 0, requests: 0, costUsd: 0 };
    rows.set(name, row);
    return row;
  };
  for (const { start_time, results } of usage) {
    for (const result of results) {
      const group = by === "project" ? result.project_id : result.model;
      const row = rowFor(by === "day" ? nameDay(start_time) : (group ?? "unknown"));
      row.inputTokens += result.input_tokens;
      row.outputTokens += result.output_tokens;
      row.requests += result.num_model_requests;
    }
  }
  for (const { start_time, results } of costs) {
    for (const result of results) {
      const group = by === "project" ? result.project_id : result.line_item;
      rowFor(by === "day" ? nameDay(start_time) : (group ?? "unknown")).costUsd += result.amount.value;
    }
  }
  const all = [...rows.values()];
  const tokens = (row: UsageRow): number => row.inputTokens + row.outputTokens;
  return by === "day" ? all : all.toSorted((a, b) => tokens(b) - tokens(a));
}
