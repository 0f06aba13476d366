/**
 * Runs long work in slices. Work of a request that takes more than a few milliseconds is split into slices, and each
 * round of the event loop runs one slice of one request, so ten large bodies at once delay other requests no more than
 * one does.
 */
const waitingSlices: (() => void)[] = [];

/** Resolves when the caller may run its next slice, which ends at the caller's next `await`. */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waitingSlices.push(resolve);
    if (waitingSlices.length === 1) setImmediate(runNextSlice);
  });
}

/** An immediate that is scheduled here runs in the event loop's next round, after timers and connections. */
function runNextSlice(): void {
  waitingSlices.shift()?.();
  if (waitingSlices.length > 0) setImmediate(runNextSlice);
}
