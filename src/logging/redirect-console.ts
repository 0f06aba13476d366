/** What libraries print (BullMQ, ioredis) as lines of this process's log, whose readers expect JSON. */
import { format } from "node:util";
import type { Logger } from "pino";

/** A library repeats its warning with every connection. */
const MAX_KNOWN = 100;

export function redirectConsole(logger: Logger): void {
  const known = new Set<string>();
  const printAs =
    (level: "warn" | "error") =>
    (...parts: unknown[]): void => {
      const text = format(...parts).trim();
      if (known.has(text)) return;
      if (known.size < MAX_KNOWN) known.add(text);
      logger[level]({ library: true }, text);
    };
  Object.assign(console, {
    log: printAs("warn"),
    info: printAs("warn"),
    warn: printAs("warn"),
    error: printAs("error"),
  });
}
