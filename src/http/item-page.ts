/** One page of a listing of items, each without what `include` did not ask for. */
import { listCursorNotFound } from "../lifecycle/errors/state.ts";
import { includedIn, listedItem } from "../lifecycle/include.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import { type List, type ListQuery, pageOf } from "../protocol/list.ts";

type Item = (InputItem | OutputItem) & { id: string };

export function itemPage(items: readonly Item[], query: ListQuery): List<Item> {
  const page = pageOf(items, query);
  if (page === undefined) throw listCursorNotFound(query.after!);
  const included = includedIn(query.include);
  return { ...page, data: page.data.map((item) => listedItem(item, included)) };
}
