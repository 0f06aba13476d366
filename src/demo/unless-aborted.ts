/** For what takes no signal itself: nobody waits for it any more once the signal is aborted. */
export async function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([awaited, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
