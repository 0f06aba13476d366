/** Structured logs on standard output. Keys and request bodies never reach them. */
import { type Logger, pino, stdSerializers, type TransportSingleOptions } from "pino";

const REDACTED = ["req.headers.authorization", "*.apiKey", "*.api_key", "*.authorization", "err.config", "err.headers"];

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
    serializers: { err: stdSerializers.errWithCause },
    ...(options.pretty && { transport: pretty }),
  });
}
