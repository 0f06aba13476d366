/**
 * The turns of long work. Whatever a request needs that takes more than some milliseconds is done in slices, and the event
 * loop runs one slice of one request between what all others wait for: ten large bodies at a time hold nobody up longer
 * than one does.
 */
const waitingSlices: (() => void)[] = [];

/** Resolves when it is the caller's turn. What the caller does before its next `await` is its slice. */
export function nextSlice(): Promise<void> {
  return new Promise((resolve) => {
    waitingSlices.push(resolve);
    if (waitingSlices.length === 1) setImmediate(runNextSlice);
  });
}

/** An immediate that is set here runs in the loop's next round, so timers and connections come in between. */
function runNextSlice(): void {
  waitingSlices.shift()?.();
  if (waitingSlices.length > 0) setImmediate(runNextSlice);
}
