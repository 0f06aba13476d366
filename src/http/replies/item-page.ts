/** One page of a list of items, without the fields that `include` does not request. */
import { listCursorNotFound } from "../../lifecycle/errors/state.ts";
import { toIncluded, toListedItem } from "../../lifecycle/include.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { List, ListQuery } from "../../protocol/list.ts";

type Item = (InputItem | OutputItem) & { id: string };

/** `page` is undefined if `after` names no item: throws the contract's error. */
export function toItemPage(page: List<Item> | undefined, query: ListQuery): List<Item> {
  if (page === undefined) throw listCursorNotFound(query.after!);
  const included = toIncluded(query.include);
  return { ...page, data: page.data.map((item) => toListedItem(item, included)) };
}
