/** The right to create one response, taken from the project's limit per minute. */

export interface RateLimitPermit {
  /** Throws the contract's 429 if the project has none left. */
  acquire: () => Promise<void>;
  /** Never throws: callers release after another error. */
  release: () => Promise<void>;
}

/** Only a new response uses up its permit: an error or a replay releases it. */
export async function createWithPermit<T extends { isReplay: boolean }>(
  permit: RateLimitPermit,
  create: () => Promise<T>,
): Promise<T> {
  await permit.acquire();
  try {
    const admitted = await create();
    // A concurrent request with the same key created the response.
    if (admitted.isReplay) await permit.release();
    return admitted;
  } catch (error) {
    await permit.release();
    throw error;
  }
}
