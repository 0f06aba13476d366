/** The id of a response that is to be: a new one, or the one that an Idempotency-Key is bound to. */
import { queueFull } from "../../lifecycle/errors/limits.ts";
import { idempotencyKeyReuse } from "../../lifecycle/errors/state.ts";
import { newId } from "../../protocol/id.ts";
import type { Admission } from "./admit-response.ts";
import type { Storage } from "../storage.ts";

export interface ClaimedId {
  id: string;
  /** Of the key, or ''. */
  hash: string;
  isReplay: boolean;
  /** What the key is bound for: whoever sends another body has another request. */
  body: unknown;
}

const FULL_RETRY_SECONDS = 5;

export async function claimId(
  storage: Storage,
  maxOpenResponses: number,
  { project, request, idempotencyKey, purpose }: Pick<Admission, "project" | "request" | "idempotencyKey" | "purpose">,
): Promise<ClaimedId> {
  const id = newId("resp");
  // The same words said to another endpoint ask for something else.
  const body = purpose === undefined ? request : { purpose, request };
  if (idempotencyKey === undefined) {
    await refuseWhenFull(storage, maxOpenResponses);
    return { id, hash: "", isReplay: false, body };
  }
  const hash = storage.idempotency.hash(project, idempotencyKey);
  const claim = await storage.idempotency.claim(hash, body, id);
  if (claim.kind === "conflict") throw idempotencyKeyReuse();
  const claimed = { id: claim.id, hash, isReplay: claim.kind === "replay", body };
  if (claimed.isReplay) return claimed;
  try {
    await refuseWhenFull(storage, maxOpenResponses);
  } catch (error) {
    await freeClaim(storage, claimed);
    throw error;
  }
  return claimed;
}

/**
 * After a refusal. Requests with one key at the same moment go on under one id, and each may be refused by itself: the key
 * is freed by the one that bound it, and stays bound to what another of them has made meanwhile.
 */
export async function freeClaim(storage: Storage, claim: ClaimedId): Promise<void> {
  if (claim.hash === "" || claim.isReplay) return;
  await storage.idempotency.release(claim.hash, claim.id);
  if ((await storage.records.read(claim.id)) !== undefined) await keepClaim(storage, claim);
}

/** The response is made: its key leads to it, also if whoever bound the key was refused and has freed it. */
export async function keepClaim(storage: Storage, { id, hash, body }: ClaimedId): Promise<void> {
  if (hash !== "") await storage.idempotency.claim(hash, body, id);
}

async function refuseWhenFull(storage: Storage, maxOpenResponses: number): Promise<void> {
  if ((await storage.open.count()) >= maxOpenResponses) throw queueFull(FULL_RETRY_SECONDS);
}
