/** Reads one page of a conversation's items, and nothing else. */
import type { ConversationItem } from "../protocol/conversation.ts";
import { toPage, type List, type PageQuery } from "../protocol/list.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/*
 * KEYS  order, items
 * ARGV  page size, '1' for newest first, the id of the item before the page (optional)
 * Returns {1 if more items follow, else 0; items…}, or nil if that item does not exist
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

/** Undefined if `query.after` names no item of the conversation. */
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
