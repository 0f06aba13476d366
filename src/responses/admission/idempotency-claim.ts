/** The id of a new response: a fresh one, or the one its Idempotency-Key is bound to (contract.md#idempotency). */
import { queueFull } from "../../lifecycle/errors/limits.ts";
import { idempotencyKeyReuse } from "../../lifecycle/errors/state.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import { newId } from "../../protocol/id.ts";
import type { StoredRequest } from "../../store/response-record.ts";
import type { Storage } from "../storage.ts";
import { FULL_RETRY_SECONDS } from "./admission-limits.ts";

export interface IdempotencyClaim {
  id: string;
  /** Hash of the key; '' without one. */
  hash: string;
  isReplay: boolean;
  /** The key is bound to this body: another body with the same key is another request. */
  body: unknown;
}

export interface ClaimRequest {
  project: string;
  /** As the client sent it: a key is compared with this, even if the prompt's template changes meanwhile. */
  request: CreateRequest;
  idempotencyKey: string | undefined;
  purpose?: StoredRequest["purpose"];
}

export async function claimIdempotencyKey(
  storage: Storage,
  maxOpenResponses: number,
  { project, request, idempotencyKey, purpose }: ClaimRequest,
): Promise<IdempotencyClaim> {
  const id = newId("resp");
  // The same body sent to another endpoint is another request.
  const body = purpose === undefined ? request : { purpose, request };
  if (idempotencyKey === undefined) {
    await rejectWhenFull(storage, maxOpenResponses);
    return { id, hash: "", isReplay: false, body };
  }
  const hash = storage.idempotency.hashKey(project, idempotencyKey);
  const claim = await storage.idempotency.claim(hash, body, id);
  if (claim.kind === "conflict") throw idempotencyKeyReuse();
  const claimed = { id: claim.id, hash, isReplay: claim.kind === "replay", body };
  if (claimed.isReplay) return claimed;
  try {
    await rejectWhenFull(storage, maxOpenResponses);
  } catch (error) {
    await releaseClaim(storage, claimed);
    throw error;
  }
  return claimed;
}

/**
 * Called after an error. Concurrent requests with one key share one id, and each can be rejected separately. Only the
 * request that claimed the key releases it. If another of them has created the response, the key stays bound to it.
 */
export async function releaseClaim(storage: Storage, claim: IdempotencyClaim): Promise<void> {
  if (claim.hash === "" || claim.isReplay) return;
  await storage.idempotency.release(claim.hash, claim.id);
  if ((await storage.records.read(claim.id)) !== undefined) await confirmClaim(storage, claim);
}

/** Binds the key to the created response, even if the request that claimed the key was rejected and released it. */
export async function confirmClaim(storage: Storage, { id, hash, body }: IdempotencyClaim): Promise<void> {
  if (hash !== "") await storage.idempotency.claim(hash, body, id);
}

async function rejectWhenFull(storage: Storage, maxOpenResponses: number): Promise<void> {
  if ((await storage.inFlight.count()) >= maxOpenResponses) throw queueFull(FULL_RETRY_SECONDS);
}
