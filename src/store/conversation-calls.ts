/**
 * Which function calls of a conversation nothing in it answers, kept as items come and go: whoever wants to go on from it
 * must answer them, and does not read the whole conversation to know.
 */
import { answeredCallId, callIdToAnswer } from "../lifecycle/unanswered-calls.ts";
import type { ConversationItem } from "../protocol/conversation.ts";

/** What an item is to the calls of its conversation: `c` and the `call_id` that it makes, or `o` and the one it answers. */
export function callMarkOf(item: ConversationItem): string {
  const [call, answered] = [callIdToAnswer(item), answeredCallId(item)];
  if (call !== undefined) return `c${call}`;
  return answered === undefined ? "" : `o${answered}`;
}

/** The mark under which an answer to the call is counted. */
export function outputMarkOf(callId: string): string {
  return `o${callId}`;
}

/*
 * For scripts that add and remove items. `calls` is a hash of how many items have a mark, `unanswered` a zset of call ids
 * by the place of the call.
 */
export const COUNT_CALLS_LUA = `
  local function countCall(calls, unanswered, mark, place)
    if mark == '' then return end
    local id = string.sub(mark, 2)
    redis.call('HINCRBY', calls, mark, 1)
    if string.sub(mark, 1, 1) == 'o' then
      redis.call('ZREM', unanswered, id)
    elseif redis.call('HEXISTS', calls, 'o' .. id) == 0 then
      redis.call('ZADD', unanswered, 'NX', place, id)
    end
  end
  local function uncountCall(calls, unanswered, mark, place)
    if mark == '' then return end
    local id = string.sub(mark, 2)
    if redis.call('HINCRBY', calls, mark, -1) > 0 then return end
    redis.call('HDEL', calls, mark)
    if string.sub(mark, 1, 1) == 'c' then
      redis.call('ZREM', unanswered, id)
    elseif redis.call('HEXISTS', calls, 'c' .. id) == 1 then
      redis.call('ZADD', unanswered, 'NX', place, id)
    end
  end
`;
