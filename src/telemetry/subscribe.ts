/** Typed subscriptions to channels (channels.ts). Each returns the function that ends it. */
import type { Channel, TracingChannel } from "node:diagnostics_channel";

export function on<T>(channel: Channel<unknown, T>, listener: (report: T) => void): () => void {
  const receive = (report: unknown): void => listener(report as T);
  channel.subscribe(receive);
  return () => {
    channel.unsubscribe(receive);
  };
}

/** Called when the reported work begins. */
export function onStart<T extends object>(
  channel: TracingChannel<unknown, T>,
  listener: (report: T) => void,
): () => void {
  return on(channel.start, listener);
}

/** Called when the reported work has ended, also by an error. */
export function onEnd<T extends object>(
  channel: TracingChannel<unknown, T>,
  listener: (report: T) => void,
): () => void {
  return on(channel.asyncStart, listener);
}
