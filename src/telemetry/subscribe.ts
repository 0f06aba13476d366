/** Typed subscriptions to channels (channels.ts). Each returns the function that ends it. */
import { type Channel, channel as openChannel, type TracingChannel } from "node:diagnostics_channel";

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

/** The channel of the same reports from a run in quarantine (relayed-reports.ts). */
export function relayedOf<T>(channel: Channel<unknown, T>): Channel<unknown, T> {
  return openChannel(`${String(channel.name)}:relayed`) as Channel<unknown, T>;
}

/** Reports of this process, and of the runs in its quarantine. */
export function onHereAndRelayed<T>(channel: Channel<unknown, T>, listener: (report: T) => void): () => void {
  const stops = [on(channel, listener), on(relayedOf(channel), listener)];
  return () => {
    for (const stop of stops) stop();
  };
}

export function onStartHereAndRelayed<T extends object>(
  channel: TracingChannel<unknown, T>,
  listener: (report: T) => void,
): () => void {
  return onHereAndRelayed(channel.start, listener);
}

export function onEndHereAndRelayed<T extends object>(
  channel: TracingChannel<unknown, T>,
  listener: (report: T) => void,
): () => void {
  return onHereAndRelayed(channel.asyncStart, listener);
}
