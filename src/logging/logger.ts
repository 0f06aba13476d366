/** Structured logs on standard output. Keys and request bodies never reach them. */
import { createRedactor } from "./redaction.ts";
import { type DestinationStream, type Logger, pino, type TransportSingleOptions } from "pino";

/**
 * An error without what it carries along: ioredis hangs the command's arguments on its errors, and those are requests,
 * inputs and events. Only what says which error it is stays.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: withoutQuotes(error, error.message),
    stack: error.stack && withoutQuotes(error, error.stack),
    ...(typeof code === "string" && { code }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

/** The engine's syntax errors quote what they could not read, which may be a piece of a secret: too short to be found as one. */
const QUOTES = /Unexpected token [^]*? is not valid JSON|Invalid regular expression: \/[^]*\/[a-z]*: /g;

function withoutQuotes(error: Error, text: string): string {
  const isQuoting = error instanceof SyntaxError || error.name === "SyntaxError";
  return isQuoting ? text.replace(QUOTES, "Unexpected text [redacted] ") : text;
}

const REDACTED = ["req.headers.authorization", "*.apiKey", "*.api_key", "*.authorization"];

export interface LoggerOptions {
  level: string;
  /** The process: `api` or `worker`. */
  name: string;
  /** Human-readable instead of JSON: for a terminal. */
  pretty: boolean;
  /** What no line may have in it. */
  secrets?: readonly string[];
}

export function createLogger(options: LoggerOptions): Logger {
  const pretty: TransportSingleOptions = {
    target: "pino-pretty",
    options: { translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname", sync: true },
  };
  const redact = createRedactor(options.secrets ?? [], { mark: "[redacted]" });
  const settings = {
    name: options.name,
    level: options.level,
    redact: { paths: REDACTED, censor: "[redacted]" },
    serializers: { err: describeError },
    // Last of all: whatever a library has written into its errors.
    hooks: { streamWrite: redact },
  };
  return options.pretty ? pino({ ...settings, transport: pretty }) : pino(settings, openOutput());
}

/** What cannot be written is kept up to here; beyond, lines are lost. */
const UNWRITTEN_BYTES = 4 * 1024 * 1024;

/**
 * Standard output, whose faults (a full disk, a terminal that was closed) are no reason to stop serving: what could not
 * be written is tried again with the next line. At the end of the process it is not: the library would try for ever.
 * Lines are written at once, so that the end of the process knows of every fault before it.
 */
function openOutput(): DestinationStream {
  const output = pino.destination({ sync: true, maxLength: UNWRITTEN_BYTES });
  let isFailing = false;
  output.on("error", () => (isFailing = true));
  output.on("write", () => (isFailing = false));
  const flushSync = output.flushSync.bind(output);
  output.flushSync = () => {
    if (!isFailing) flushSync();
  };
  return output;
}
