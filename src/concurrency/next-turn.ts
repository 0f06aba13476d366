/**
 * The turns of long work. Whatever a request needs that takes more than some milliseconds is done in slices, and the event
 * loop runs one slice of one request between what all others wait for: ten large bodies at a time hold nobody up longer
 * than one does.
 */
const waiting: (() => void)[] = [];

/** Resolves when it is the caller's turn. What the caller does before its next `await` is its slice. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(giveTurn);
  });
}

/** An immediate that is set here runs in the loop's next round, so timers and connections come in between. */
function giveTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(giveTurn);
}
