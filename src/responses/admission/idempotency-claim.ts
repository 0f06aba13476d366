/** The id of a response that is to be: a new one, or the one that an Idempotency-Key is bound to. */
import { queueFull } from "../../lifecycle/errors/limits.ts";
import { idempotencyKeyReuse } from "../../lifecycle/errors/state.ts";
import { newId } from "../../protocol/id.ts";
import type { AdmissionRequest } from "./admit-response.ts";
import type { Storage } from "../storage.ts";

export interface IdempotencyClaim {
  id: string;
  /** Of the key, or ''. */
  hash: string;
  isReplay: boolean;
  /** What the key is bound for: whoever sends another body has another request. */
  body: unknown;
}

const FULL_RETRY_SECONDS = 5;

export async function claimIdempotencyKey(
  storage: Storage,
  maxOpenResponses: number,
  {
    project,
    request,
    idempotencyKey,
    purpose,
  }: Pick<AdmissionRequest, "project" | "request" | "idempotencyKey" | "purpose">,
): Promise<IdempotencyClaim> {
  const id = newId("resp");
  // The same words said to another endpoint ask for something else.
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
 * After a refusal. Requests with one key at the same moment go on under one id, and each may be refused by itself: the key
 * is freed by the one that bound it, and stays bound to what another of them has made meanwhile.
 */
export async function releaseClaim(storage: Storage, claim: IdempotencyClaim): Promise<void> {
  if (claim.hash === "" || claim.isReplay) return;
  await storage.idempotency.release(claim.hash, claim.id);
  if ((await storage.records.read(claim.id)) !== undefined) await confirmClaim(storage, claim);
}

/** The response is made: its key leads to it, also if whoever bound the key was refused and has freed it. */
export async function confirmClaim(storage: Storage, { id, hash, body }: IdempotencyClaim): Promise<void> {
  if (hash !== "") await storage.idempotency.claim(hash, body, id);
}

async function rejectWhenFull(storage: Storage, maxOpenResponses: number): Promise<void> {
  if ((await storage.inFlight.count()) >= maxOpenResponses) throw queueFull(FULL_RETRY_SECONDS);
}
