/** Usage of a range of time, as buckets of an hour or a day. A page costs at most a bounded number of reads. */
import { addSums, noUsage, type UsageCell, type UsageSums } from "../../store/organization/usage-counts.ts";
import type { Storage } from "../storage.ts";

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
/** Reads of one project's day, after which a page ends early. */
const MAX_READS = 2_000;
const PARALLEL_READS = 50;

export interface UsageRange {
  /** Unix seconds, inclusive. */
  start: number;
  /** Unix seconds, exclusive. */
  end: number;
  bucketSeconds: number;
  /** Maximum number of buckets. */
  limit: number;
  /** Undefined for all. */
  projects: readonly string[] | undefined;
  models: readonly string[] | undefined;
  byProject: boolean;
  byModel: boolean;
}

export interface UsageGroup {
  project: string | null;
  model: string | null;
  sums: UsageSums;
}

export interface UsageBucket {
  start: number;
  end: number;
  groups: UsageGroup[];
}

type ProjectCell = UsageCell & { project: string };

/** `next`: where the next page starts, in Unix seconds. */
export async function readUsageBuckets(
  { usageCounts }: Pick<Storage, "usageCounts">,
  range: UsageRange,
): Promise<{ buckets: UsageBucket[]; next: number | undefined }> {
  const { end, bucketSeconds } = range;
  const buckets: UsageBucket[] = [];
  let start = Math.floor(range.start / bucketSeconds) * bucketSeconds;
  let day: { number: number; cells: ProjectCell[] } | undefined;
  let reads = 0;
  for (; start < end && buckets.length < range.limit; start += bucketSeconds) {
    const number = Math.floor(start / DAY_SECONDS);
    if (day?.number !== number) {
      if (reads >= MAX_READS) break;
      const projects = await listProjects(usageCounts, number, range.projects);
      day = { number, cells: await readCells(usageCounts, number, projects) };
      reads += projects.length;
    }
    buckets.push({ start, end: start + bucketSeconds, groups: groupCells(cellsOf(day.cells, start, range), range) });
  }
  return { buckets, next: start < end ? start : undefined };
}

async function listProjects(
  counts: Storage["usageCounts"],
  day: number,
  wanted: readonly string[] | undefined,
): Promise<string[]> {
  const active = await counts.listProjects(day);
  return wanted === undefined ? active : active.filter((project) => wanted.includes(project));
}

async function readCells(counts: Storage["usageCounts"], day: number, projects: string[]): Promise<ProjectCell[]> {
  const cells: ProjectCell[] = [];
  for (let i = 0; i < projects.length; i += PARALLEL_READS) {
    const slice = projects.slice(i, i + PARALLEL_READS);
    const read = await Promise.all(slice.map((project) => counts.readDay(project, day)));
    for (const [index, ofProject] of read.entries()) {
      for (const cell of ofProject) cells.push({ ...cell, project: slice[index]! });
    }
  }
  return cells;
}

function cellsOf(
  cells: readonly ProjectCell[],
  start: number,
  { bucketSeconds, models }: UsageRange,
): readonly ProjectCell[] {
  const hour = (start % DAY_SECONDS) / HOUR_SECONDS;
  return cells.filter(
    (cell) =>
      (bucketSeconds === DAY_SECONDS || cell.hour === hour) && (models === undefined || models.includes(cell.model)),
  );
}

function groupCells(cells: readonly ProjectCell[], { byProject, byModel }: UsageRange): UsageGroup[] {
  const groups = new Map<string, UsageGroup>();
  for (const cell of cells) {
    const [project, model] = [byProject ? cell.project : null, byModel ? cell.model : null];
    const key = JSON.stringify([project, model]);
    const group = groups.get(key) ?? { project, model, sums: noUsage() };
    addSums(group.sums, cell.sums);
    groups.set(key, group);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
