/** How much more a project may create. What is taken for a response that does not come to be is given back. */
import type { Admitted } from "./admit-response.ts";

export interface Allowance {
  /** Takes one, or throws what is answered when nothing is left. */
  take: () => Promise<void>;
  /** Never throws: it is called for what has failed otherwise. */
  giveBack: () => Promise<void>;
}

export async function createWithin(allowance: Allowance, create: () => Promise<Admitted>): Promise<Admitted> {
  await allowance.take();
  try {
    const admitted = await create();
    // Of two requests with one key at the same moment, the other one made it.
    if (admitted.isReplay) await allowance.giveBack();
    return admitted;
  } catch (error) {
    await allowance.giveBack();
    throw error;
  }
}
