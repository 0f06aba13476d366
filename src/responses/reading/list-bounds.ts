/** Where a page of a list begins and ends, from its cursors and its bounds in time. */
import { listCursorNotFound } from "../../lifecycle/errors/state.ts";
import type { DatedListQuery } from "../../protocol/response-list.ts";
import { compareInList, type ListIndex } from "../../store/lists/list-index.ts";
import type { ListPosition } from "../../store/lists/page-script.ts";

export interface ListBounds {
  /** The order in which the index is read. */
  order: "asc" | "desc";
  start: ListPosition | undefined;
  stop: ListPosition | undefined;
  /** Whether the page is read from its end: it ends in front of `before`. */
  isReversed: boolean;
}

/** Throws the contract's error if the project never had the object of a cursor, or had it long ago. */
export async function findListBounds(
  index: ListIndex,
  project: string | undefined,
  { order, after, before, created_after, created_before }: DatedListQuery,
): Promise<ListBounds> {
  const [afterPosition, beforePosition] = await Promise.all([
    findCursor(index, project, "after", after),
    findCursor(index, project, "before", before),
  ]);
  const oldest = startOfSecond(created_after);
  const newest = startOfSecond(created_before);
  const [first, last] = order === "asc" ? [oldest, newest] : [newest, oldest];
  const starts = [afterPosition, first];
  const stops = [beforePosition, last];
  const isReversed = beforePosition !== undefined && afterPosition === undefined;
  if (!isReversed) return { order, start: latest(order, starts), stop: latest(opposite(order), stops), isReversed };
  const reading = opposite(order);
  return { order: reading, start: latest(reading, stops), stop: latest(order, starts), isReversed };
}

const opposite = (order: "asc" | "desc") => (order === "asc" ? "desc" : "asc");

/** Before every id of that second. */
function startOfSecond(seconds: number | undefined): ListPosition | undefined {
  return seconds === undefined ? undefined : { createdAtMs: seconds * 1000, id: "" };
}

function latest(order: "asc" | "desc", positions: readonly (ListPosition | undefined)[]): ListPosition | undefined {
  const given = positions.filter((position) => position !== undefined);
  return given.toSorted((a, b) => compareInList(order, a, b)).at(-1);
}

async function findCursor(
  index: ListIndex,
  project: string | undefined,
  param: "after" | "before",
  id: string | undefined,
): Promise<ListPosition | undefined> {
  if (id === undefined) return undefined;
  const position = await index.findPosition(project, id);
  if (position === undefined) throw listCursorNotFound(id, param);
  return position;
}
