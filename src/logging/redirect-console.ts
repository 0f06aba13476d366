/** Logs what libraries (BullMQ, ioredis) print, because readers of this process's output expect JSON. */
import { format } from "node:util";
import type { Logger } from "pino";

/** Libraries repeat a warning for every connection. */
const MAX_SEEN = 100;

export function redirectConsole(logger: Logger): void {
  const seen = new Set<string>();
  const printAs =
    (level: "warn" | "error") =>
    (...parts: unknown[]): void => {
      const text = format(...parts).trim();
      if (seen.has(text)) return;
      if (seen.size < MAX_SEEN) seen.add(text);
      logger[level]({ library: true }, text);
    };
  Object.assign(console, {
    log: printAs("warn"),
    info: printAs("warn"),
    warn: printAs("warn"),
    error: printAs("error"),
  });
}
