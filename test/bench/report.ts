/** The table for people and the JSON for programs. */
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { type Figure, meetsTarget, type Target } from "./figure.ts";

const HEADINGS = ["", "ours", "limit", "ratio", "target", "", "the limit is"];
const NUMERIC = new Set([1, 2, 3, 4]);

export function formatTable(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(rowOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (NUMERIC.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function rowOf(figure: Figure): string[] {
  const { name, unit, ours, limit, ratio, target } = figure;
  const met = meetsTarget(figure);
  return [
    `${name} (${unit})`,
    formatNumber(ours),
    limit === undefined ? "" : formatNumber(limit.value),
    ratio === undefined ? "" : ratio.toFixed(2),
    target === undefined ? "" : formatTarget(target),
    met === undefined ? "" : met ? "met" : "MISSED",
    limit?.name ?? "",
  ];
}

function formatTarget({ kind, value }: Target): string {
  switch (kind) {
    case "ratio-at-least":
      return `ratio ≥ ${formatNumber(value)}`;
    case "ratio-at-most":
      return `ratio ≤ ${formatNumber(value)}`;
    case "at-least":
      return `≥ ${formatNumber(value)}`;
    case "at-most":
      return `≤ ${formatNumber(value)}`;
  }
}

function formatNumber(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 });
}

export interface Run {
  startedAt: Date;
  seconds: number;
  redisVersion: string;
  figures: readonly Figure[];
}

export async function writeResults(path: string, run: Run): Promise<void> {
  const { startedAt, seconds, redisVersion, figures } = run;
  const machine = {
    node: process.version,
    redis: redisVersion,
    system: `${process.platform} ${release()}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
  };
  const results = {
    startedAt: startedAt.toISOString(),
    seconds: Math.round(seconds),
    machine,
    figures: figures.map((figure) => ({ ...figure, met: meetsTarget(figure) ?? null })),
  };
  await writeFile(path, `${JSON.stringify(results, undefined, 2)}\n`);
}
