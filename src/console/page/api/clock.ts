/** The server's time: the user's clock may be wrong, and all times of runs are the server's. */
import { signal } from "@preact/signals";

const TICK_MS = 1000;

/** Milliseconds between the server's Unix time and this page's monotonic clock. */
let offsetMs = performance.timeOrigin;
let isSet = false;

/** Sets the clock by an answer's `Date`, whose seconds are cut off. Later answers only correct a jump. */
export function setClock(date: string | null): void {
  const serverMs = date === null ? Number.NaN : Date.parse(date);
  if (!Number.isFinite(serverMs)) return;
  const measured = serverMs + 500 - performance.now();
  if (isSet && Math.abs(measured - offsetMs) < 1500) return;
  offsetMs = measured;
  isSet = true;
}

export function serverNowMs(): number {
  return offsetMs + performance.now();
}

/** Ticks each second while the page is visible. */
export const now = signal(serverNowMs());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = serverNowMs();
  }, TICK_MS);
  document.addEventListener("visibilitychange", () => {
    now.value = serverNowMs();
  });
}
