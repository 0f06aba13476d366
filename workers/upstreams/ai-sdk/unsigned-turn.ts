/**
 * A turn whose calls came of no reasoning that the vendor has signed. Anthropic refuses to think in the middle of one, unless
 * its model has made the calls without thinking.
 */
import { decodeReasoningState } from "../../../src/providers/reasoning-state.ts";
import type { ContextItem } from "../upstream.ts";
import type { Vendor } from "./vendors.ts";

const CALL_TYPES: ReadonlySet<string> = new Set(["function_call", "custom_tool_call"]);

export function isUnsignedTurn(items: readonly ContextItem[], vendor: Vendor, model: string): boolean {
  if (vendor.traits.unsigned_turn_thinking === "sent") return false;
  const lastUser = items.findLastIndex((item) => item.type === "message" && item.role === "user");
  const turn = items.slice(lastUser + 1);
  const place = turn.findIndex(({ type }) => CALL_TYPES.has(type));
  const call = turn[place];
  if (call === undefined || !("call_id" in call)) return false;
  const from = vendor.stateOriginOf?.(model);
  const thoughts = turn.slice(0, place).filter((item) => item.type === "reasoning");
  if (thoughts.some((item) => decodeReasoningState(vendor.stateOwner, item.encrypted_content, from)?.own)) return false;
  return thoughts.length > 0 || call.call_id?.startsWith(vendor.traits.call_id_prefix) !== true;
}
