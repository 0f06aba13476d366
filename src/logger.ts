/** Structured logs on standard output. Keys and request bodies never reach them. */
import { type Logger, pino, type TransportSingleOptions } from "pino";

/**
 * An error without what it carries along: ioredis hangs the command's arguments on its errors, and those are requests,
 * inputs and events. Only what says which error it is stays.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === "string" && { code }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

const REDACTED = ["req.headers.authorization", "*.apiKey", "*.api_key", "*.authorization"];

export interface LoggerOptions {
  level: string;
  /** The process: `api` or `worker`. */
  name: string;
  /** Human-readable instead of JSON: for a terminal. */
  pretty: boolean;
}

export function createLogger(options: LoggerOptions): Logger {
  const pretty: TransportSingleOptions = {
    target: "pino-pretty",
    options: { translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname", sync: true },
  };
  return pino({
    name: options.name,
    level: options.level,
    redact: { paths: REDACTED, censor: "[redacted]" },
    serializers: { err: describeError },
    ...(options.pretty && { transport: pretty }),
  });
}
