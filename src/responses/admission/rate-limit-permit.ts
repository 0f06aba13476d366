/** How much more a project may create. What is taken for a response that does not come to be is given back. */
import type { AdmittedResponse } from "./admit-response.ts";

export interface RateLimitPermit {
  /** Takes one, or throws what is answered when nothing is left. */
  acquire: () => Promise<void>;
  /** Never throws: it is called for what has failed otherwise. */
  release: () => Promise<void>;
}

export async function createWithPermit(
  permit: RateLimitPermit,
  create: () => Promise<AdmittedResponse>,
): Promise<AdmittedResponse> {
  await permit.acquire();
  try {
    const admitted = await create();
    // Of two requests with one key at the same moment, the other one made it.
    if (admitted.isReplay) await permit.release();
    return admitted;
  } catch (error) {
    await permit.release();
    throw error;
  }
}
