/** One page of a conversation's items: what it shows is all that is read. */
import type { ConversationItem } from "../protocol/conversation.ts";
import { toPage, type List, type PageQuery } from "../protocol/list.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/*
 * KEYS  order, items
 * ARGV  how many, '1' if the newest come first, the id of the item before them if there is one
 * Returns {1 if there are more, else 0; items…}, or nothing if there is no such item
 */
const readPageScript = defineScript<[0 | 1, ...string[]] | null>(
  "readConversationPage",
  2,
  `
  local isDescending = ARGV[2] == '1'
  local from = 0
  if ARGV[3] then
    local rank = redis.call(isDescending and 'ZREVRANK' or 'ZRANK', KEYS[1], ARGV[3])
    if not rank then return false end
    from = rank + 1
  end
  local limit = tonumber(ARGV[1])
  local ids = redis.call(isDescending and 'ZREVRANGE' or 'ZRANGE', KEYS[1], from, from + limit)
  local page = {#ids > limit and 1 or 0}
  for i = 1, math.min(#ids, limit) do page[i + 1] = redis.call('HGET', KEYS[2], ids[i]) end
  return page
`,
);

/** Undefined if `query.after` names no item of it. */
export async function readConversationPage(
  redis: RedisClient,
  order: string,
  items: string,
  query: PageQuery,
): Promise<List<ConversationItem> | undefined> {
  const cursor = query.after === undefined ? [] : [query.after];
  const page = await readPageScript(redis, order, items, query.limit, query.order === "desc" ? "1" : "0", cursor);
  if (page === null) return undefined;
  const [hasMore, ...texts] = page;
  return toPage(
    texts.map((json) => JSON.parse(json) as ConversationItem),
    hasMore === 1,
  );
}
