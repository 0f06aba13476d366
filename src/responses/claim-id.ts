/** The id of a response that is to be: a new one, or the one that an Idempotency-Key is bound to. */
import { queueFull } from "../lifecycle/errors/limits.ts";
import { idempotencyKeyReuse } from "../lifecycle/errors/state.ts";
import { newId } from "../protocol/id.ts";
import type { Admission } from "./admit-response.ts";
import type { Storage } from "./storage.ts";

export interface ClaimedId {
  id: string;
  /** Of the key, or ''. */
  hash: string;
  isReplay: boolean;
}

const FULL_RETRY_SECONDS = 5;

export async function claimId(
  storage: Storage,
  maxOpenResponses: number,
  { project, request, idempotencyKey, purpose }: Pick<Admission, "project" | "request" | "idempotencyKey" | "purpose">,
  nowMs: number,
): Promise<ClaimedId> {
  const id = newId("resp");
  if (idempotencyKey === undefined) {
    await refuseWhenFull(storage, maxOpenResponses, nowMs);
    return { id, hash: "", isReplay: false };
  }
  const hash = storage.idempotency.hash(project, idempotencyKey);
  // The same words said to another endpoint ask for something else.
  const body = purpose === undefined ? request : { purpose, request };
  const claim = await storage.idempotency.claim(hash, body, id);
  if (claim.kind === "conflict") throw idempotencyKeyReuse();
  if (claim.kind === "first") {
    try {
      await refuseWhenFull(storage, maxOpenResponses, nowMs);
    } catch (error) {
      await storage.idempotency.release(hash, id);
      throw error;
    }
  }
  return { id: claim.id, hash, isReplay: claim.kind === "replay" };
}

async function refuseWhenFull(storage: Storage, maxOpenResponses: number, nowMs: number): Promise<void> {
  if ((await storage.open.count(nowMs)) >= maxOpenResponses) throw queueFull(FULL_RETRY_SECONDS);
}
