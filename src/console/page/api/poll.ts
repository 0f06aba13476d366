/** State that is asked for again and again while it is shown. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, messageOf } from "./requests.ts";
import { openSession } from "./session.ts";

export interface Polled<T> {
  value: Signal<T | undefined>;
  error: Signal<string | undefined>;
  /** Asks at once, for example after a change. */
  refresh: () => void;
}

interface PollOptions {
  everyMs: number;
  /** Starts again when one of these changes. */
  inputs?: readonly unknown[];
  /** Asks no more while this returns true. */
  isOver?: () => boolean;
}

/** Asks only while the page is visible, and never twice at a time. Keeps the last value through errors. */
export function usePolling<T>(ask: (signal: AbortSignal) => Promise<T>, options: PollOptions): Polled<T> {
  const { everyMs, inputs = [], isOver } = options;
  const value = useSignal<T | undefined>(undefined);
  const error = useSignal<string | undefined>(undefined);
  const wake = useSignal<(() => void) | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    value.value = undefined;
    error.value = undefined;
    void poll(controller.signal);
    async function poll(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        try {
          const answer = await ask(signal);
          if (signal.aborted) return;
          value.value = answer;
          error.value = undefined;
        } catch (caught) {
          if (signal.aborted) return;
          error.value = messageOf(caught);
          if (caught instanceof ApiError && caught.status === 401) void openSession();
        }
        await nextTime(signal);
      }
    }
    async function nextTime(signal: AbortSignal): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake.value = resolve;
      const timer = setInterval(() => {
        if (!document.hidden && isOver?.() !== true) resolve();
      }, everyMs);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      clearInterval(timer);
    }
    return () => controller.abort();
  }, inputs);
  return { value, error, refresh: () => wake.value?.() };
}
