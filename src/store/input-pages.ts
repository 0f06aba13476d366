/**
 * Pages of a response's input. The input is one JSON text, which a run reads whole. A long input has an index of item
 * starts, so a page reads and parses only its own items. Short inputs, and those of older releases, have no index and are
 * parsed whole.
 */
import type { StoredInputItem } from "../protocol/item.ts";
import { toPage, type List, paginate, type PageQuery } from "../protocol/list.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { parseInSlices } from "../concurrency/parse-in-slices.ts";
import { mapInSlices } from "../concurrency/time-slice.ts";

/** Below this length, parsing the input is cheaper than storing an index. */
const UNINDEXED_CHARACTERS = 64 * 1024;

/** Alternates the byte offset of each item and the item's id. */
export type InputIndex = readonly (string | number)[];

/** `index` is empty for a short input. Yields to other requests while it encodes a long one. */
export async function encodeInput(items: readonly StoredInputItem[]): Promise<{ json: string; index: InputIndex }> {
  const texts = await mapInSlices(items, (item) => JSON.stringify(item));
  const json = `[${texts.join(",")}]`;
  if (json.length <= UNINDEXED_CHARACTERS) return { json, index: [] };
  const seenIds = new Set<string>();
  let start = 1;
  const index = await mapInSlices(items, ({ id }, index) => {
    // A cursor names the first of several items with one id. The others get a key that no id equals.
    const entry = [start, seenIds.has(id) ? `${id}\n${index}` : id];
    seenIds.add(id);
    start += Buffer.byteLength(texts[index]!) + 1;
    return entry;
  });
  return { json, index: index.flat() };
}

/*
 * KEYS  input, index
 * ARGV  page size, '1' for last first, the id of the item before the page (optional)
 * Returns {'whole', input or nil} | {'unknown'} if that item does not exist
 *   | {'page', items as JSON in input order, 1 if more follow, else 0}
 */
const readPageScript = defineScript<["whole", string | null] | ["unknown"] | ["page", string, 0 | 1]>(
  "readInputPage",
  2,
  `
  local total = redis.call('ZCARD', KEYS[2])
  local size = redis.call('STRLEN', KEYS[1])
  if total == 0 or size == 0 then return {'whole', redis.call('GET', KEYS[1])} end
  local isDescending = ARGV[2] == '1'
  local from = 0
  if ARGV[3] then
    local rank = redis.call(isDescending and 'ZREVRANK' or 'ZRANK', KEYS[2], ARGV[3])
    if not rank then return {'unknown'} end
    from = rank + 1
  end
  local count = math.min(tonumber(ARGV[1]), total - from)
  if count == 0 then return {'page', '[]', 0} end
  local first = isDescending and total - from - count or from
  -- Includes the start of the next item: the page ends before its comma, or before the closing bracket.
  local starts = redis.call('ZRANGE', KEYS[2], first, first + count, 'WITHSCORES')
  local nextStart = starts[2 * count + 2] or size
  local items = redis.call('GETRANGE', KEYS[1], starts[2], tonumber(nextStart) - 2)
  return {'page', '[' .. items .. ']', from + count < total and 1 or 0}
`,
);

/** `unknown`: `query.after` names no item of the input. `gone`: the response is gone. */
export type InputPage = { kind: "page"; page: List<StoredInputItem> } | { kind: "unknown" } | { kind: "gone" };

export async function readInputPage(
  redis: RedisClient,
  input: string,
  index: string,
  query: PageQuery,
): Promise<InputPage> {
  const isDescending = query.order === "desc";
  const cursor = query.after === undefined ? [] : [query.after];
  const [kind, json, hasMore] = await readPageScript(
    redis,
    input,
    index,
    query.limit,
    isDescending ? "1" : "0",
    cursor,
  );
  if (kind === "unknown") return { kind };
  if (json === null || json === undefined) return { kind: "gone" };
  // Not validated again: admission validated the items.
  const items = await parseInSlices<StoredInputItem[]>(json);
  if (kind === "page") return { kind, page: toPage(isDescending ? items.toReversed() : items, hasMore === 1) };
  const page = paginate(items, query);
  return page === undefined ? { kind: "unknown" } : { kind: "page", page };
}

/*
 * KEYS  input, index
 * ARGV  item id
 * Returns {'whole', input or nil} | {'item', its JSON or nil}
 */
const readItemScript = defineScript<["whole" | "item", string | null | undefined]>(
  "readInputItem",
  2,
  `
  local total = redis.call('ZCARD', KEYS[2])
  local size = redis.call('STRLEN', KEYS[1])
  if total == 0 or size == 0 then return {'whole', redis.call('GET', KEYS[1])} end
  local rank = redis.call('ZRANK', KEYS[2], ARGV[1])
  if not rank then return {'item', false} end
  local starts = redis.call('ZRANGE', KEYS[2], rank, rank + 1, 'WITHSCORES')
  return {'item', redis.call('GETRANGE', KEYS[1], starts[2], tonumber(starts[4] or size) - 2)}
`,
);

/** The first item with this id, as JSON. */
export async function readInputItem(
  redis: RedisClient,
  input: string,
  index: string,
  itemId: string,
): Promise<string | undefined> {
  const [kind, json] = await readItemScript(redis, input, index, itemId);
  if (kind === "item") return json ?? undefined;
  const items = await parseInSlices<StoredInputItem[]>(json ?? "[]");
  const found = items.find(({ id }) => id === itemId);
  return found && JSON.stringify(found);
}
