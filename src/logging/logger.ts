/** Structured logs on standard output, without keys and request bodies. */
import { createRedactor } from "./redaction.ts";
import { type DestinationStream, type Logger, pino } from "pino";
import { prettyFactory } from "pino-pretty";

/**
 * Reduces an error to its own description. ioredis attaches a command's arguments to its errors: requests, inputs and
 * events.
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

/**
 * The engine's syntax errors quote the unreadable text, possibly a part of a secret that is too short for redaction.
 */
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
  /** Human-readable output for a terminal instead of JSON. */
  pretty: boolean;
  /** Texts that no line may contain. */
  secrets?: readonly string[];
  /** Fields of the line that is written now, as a new object each time. */
  fields?: () => Record<string, unknown>;
}

export function createLogger(options: LoggerOptions): Logger {
  const redact = createRedactor(options.secrets ?? [], { mark: "[redacted]" });
  const settings = {
    name: options.name,
    level: options.level,
    ...(options.fields !== undefined && { mixin: options.fields }),
    redact: { paths: REDACTED, censor: "[redacted]" },
    serializers: { err: describeError },
    // Runs last, because libraries write secrets into their errors.
    hooks: { streamWrite: redact },
  };
  const output = openOutput();
  return pino(settings, options.pretty ? prettify(output) : output);
}

/** In this thread: pino's transport thread makes an error of the output an uncaught one, or holds the exit for 10 s. */
function prettify(output: Output): Output {
  const format = prettyFactory({ translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname" });
  return { write: (line) => output.write(format(line)), flushSync: () => output.flushSync() };
}

interface Output extends DestinationStream {
  flushSync: () => void;
}

/** Maximum buffered output. Lines beyond it are lost. */
const UNWRITTEN_BYTES = 4 * 1024 * 1024;
/** Output that is written before the end of a round of the event loop. */
const BATCH_BYTES = 8 * 1024;

/**
 * Opens standard output. All lines of one round of the event loop are written at once: a system call for each costs more than
 * the line. Only a process that is killed loses lines, those of its last round. Errors of the output (a full disk, a closed
 * terminal) must not stop the server: failed output is retried with the next line, but not at exit, where the library would
 * retry forever. Lines are written synchronously, so the process knows of every error before it exits.
 */
function openOutput(): Output {
  const output = pino.destination({ sync: true, minLength: BATCH_BYTES, maxLength: UNWRITTEN_BYTES });
  let isFailing = false;
  let isScheduled = false;
  output.on("error", () => (isFailing = true));
  output.on("write", () => (isFailing = false));
  const flush = (): void => {
    isScheduled = false;
    output.flush();
  };
  const opened: Output = {
    write: (line) => {
      output.write(line);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(flush);
    },
    flushSync: () => {
      if (!isFailing) output.flushSync();
    },
  };
  flushAtExit(opened);
  return opened;
}

const flushedAtExit: Output[] = [];

/** One listener for all: a test opens many loggers. */
function flushAtExit(output: Output): void {
  if (flushedAtExit.push(output) > 1) return;
  process.once("exit", () => {
    for (const each of flushedAtExit) each.flushSync();
  });
}
