/** Start and shutdown of every process of this server. */
import type { Logger } from "pino";
import { ConfigurationError } from "../config/configuration-error.ts";

export interface RunningProcess {
  logger: Logger;
  /** Hands over all work and closes everything. Called once. */
  drain: () => Promise<void>;
  /** Time limit of the drain, after which the process exits regardless: Redis may not answer. */
  drainLimitMs: number;
}

const EXIT_FAILED = 1;
const EXIT_MISCONFIGURED = 78; // EX_CONFIG of sysexits.h

/** A port in use is a common operator error; any other error is shown in full. */
function describeStartError(error: unknown): string {
  const { code, port, address } = error as { code?: unknown; port?: unknown; address?: unknown };
  if (code === "EADDRINUSE") return `Port ${String(port)} of ${String(address)} is in use.`;
  return stackOf(error);
}

/**
 * The stack without an error's other fields: ioredis attaches the rejected command, and AUTH's argument is a password.
 */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `The process could not start: ${typeof error}`;
  const cause = error.cause === undefined ? "" : `\n  [cause]: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/**
 * Starts a process and shuts it down on SIGTERM, SIGINT or SIGHUP (a closed terminal). An uncaught error is a bug of
 * unknown effect: the process logs it and exits, since any process may die at any time without losing data.
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
      logger.warn({ drainLimitMs }, "Drain timed out; exiting");
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
  // When the parent (src/local/run-everything.ts) ends, even by SIGKILL, its children exit too.
  process.on("disconnect", () => stop("disconnect"));
}
