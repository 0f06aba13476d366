/**
 * Detects a turn whose calls follow reasoning that the vendor has not signed. Anthropic rejects thinking within such a
 * turn, unless its own model made the calls without thinking.
 */
import { decodeReasoningState } from "../../../src/providers/reasoning-state.ts";
import type { ContextItem } from "../upstream.ts";
import { CALL_TYPES } from "./prompt.ts";
import type { Vendor } from "./vendors.ts";

export function isUnsignedTurn(items: readonly ContextItem[], vendor: Vendor, model: string): boolean {
  if (vendor.traits.unsigned_turn_thinking === "sent") return false;
  const lastUser = items.findLastIndex((item) => item.type === "message" && item.role === "user");
  const turn = items.slice(lastUser + 1);
  const firstCall = turn.findIndex(({ type }) => CALL_TYPES.has(type));
  const call = turn[firstCall];
  if (call === undefined || !("call_id" in call)) return false;
  const from = vendor.stateOriginOf?.(model);
  const thoughts = turn.slice(0, firstCall).filter((item) => item.type === "reasoning");
  if (thoughts.some((item) => decodeReasoningState(vendor.stateOwner, item.encrypted_content, from)?.own)) return false;
  return thoughts.length > 0 || call.call_id?.startsWith(vendor.traits.call_id_prefix) !== true;
}
