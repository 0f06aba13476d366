/**
 * Tracks the unanswered function calls of a conversation. A request that continues the conversation must answer them, and
 * admission can check that without reading every item.
 */
import { answeredCallId, callIdToAnswer } from "../lifecycle/unanswered-calls.ts";
import type { ConversationItem } from "../protocol/conversation.ts";

/** The mark of an item: `c` and its `call_id` for a call, `o` and the `call_id` for an output, '' for other items. */
export function callMarkOf(item: ConversationItem): string {
  const [call, answered] = [callIdToAnswer(item), answeredCallId(item)];
  if (call !== undefined) return `c${call}`;
  return answered === undefined ? "" : `o${answered}`;
}

/** The mark of the outputs that answer the call. */
export function outputMarkOf(callId: string): string {
  return `o${callId}`;
}

/*
 * For scripts that add and remove items. `calls` is a hash: number of items by mark. `unanswered` is a zset: call id by the
 * position of the call.
 */
export const COUNT_CALLS_LUA = `
  local function countCall(calls, unanswered, mark, position)
    if mark == '' then return end
    local id = string.sub(mark, 2)
    redis.call('HINCRBY', calls, mark, 1)
    if string.sub(mark, 1, 1) == 'o' then
      redis.call('ZREM', unanswered, id)
    elseif redis.call('HEXISTS', calls, 'o' .. id) == 0 then
      redis.call('ZADD', unanswered, 'NX', position, id)
    end
  end
  local function uncountCall(calls, unanswered, mark, position)
    if mark == '' then return end
    local id = string.sub(mark, 2)
    if redis.call('HINCRBY', calls, mark, -1) > 0 then return end
    redis.call('HDEL', calls, mark)
    if string.sub(mark, 1, 1) == 'c' then
      redis.call('ZREM', unanswered, id)
    elseif redis.call('HEXISTS', calls, 'c' .. id) == 1 then
      redis.call('ZADD', unanswered, 'NX', position, id)
    end
  end
`;
