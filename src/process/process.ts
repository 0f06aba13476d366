/** What every process of this server does at its start and at its end. */
import type { Logger } from "pino";
import { ConfigurationError } from "../config/configuration-error.ts";

export interface RunningProcess {
  logger: Logger;
  /** Hands over and closes everything. Called once. */
  drain: () => Promise<void>;
  /** By when the process exits, drained or not: Redis may be away and answer nothing. */
  drainLimitMs: number;
}

const EXIT_FAILED = 1;
const EXIT_MISCONFIGURED = 78; // EX_CONFIG of sysexits.h

/** A port that is taken is an operator's everyday; anything else is shown whole. */
function describeStartError(error: unknown): string {
  const { code, port, address } = error as { code?: unknown; port?: unknown; address?: unknown };
  if (code === "EADDRINUSE") return `Port ${String(port)} of ${String(address)} is in use.`;
  return stackOf(error);
}

/** Without what errors carry along: ioredis hangs the command that Redis refused on its own, and AUTH's is a password. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `The process could not start: ${typeof error}`;
  const cause = error.cause === undefined ? "" : `\n  [cause]: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/**
 * Starts a process and ends it on SIGTERM, SIGINT or SIGHUP (its terminal was closed). What nobody caught is a bug of
 * unknown effect: the process logs it and exits, since any process here may die at any time without losing anything.
 */
export async function runProcess(name: string, start: () => Promise<RunningProcess>): Promise<void> {
  let running: RunningProcess;
  try {
    running = await start();
  } catch (error) {
    const isMisconfigured = error instanceof ConfigurationError;
    process.stderr.write(`${name}: ${isMisconfigured ? error.message : describeStartError(error)}\n`);
    process.exit(isMisconfigured ? EXIT_MISCONFIGURED : EXIT_FAILED);
  }
  const { logger, drain, drainLimitMs } = running;
  const crash = (err: unknown): void => {
    logger.fatal({ err }, "Unexpected error; exiting");
    process.exit(EXIT_FAILED);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);

  let isStopping = false;
  const stop = (signal: NodeJS.Signals | "disconnect"): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "Draining");
    setTimeout(() => {
      logger.warn({ drainLimitMs }, "Not drained in time; exiting all the same");
      process.exit(EXIT_FAILED);
    }, drainLimitMs).unref();
    drain().then(
      () => {
        logger.info("Stopped");
        process.exit(0);
      },
      (error: unknown) => crash(error),
    );
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
  // A parent that opened a channel (src/local/start.ts) and is gone, even by SIGKILL, takes its children along.
  process.on("disconnect", () => stop("disconnect"));
}
