/**
 * The frame of every demo: its own installation, a screen, a time limit, and a cleanup that leaves nothing running,
 * after the last check, Ctrl-C or a crashed process.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Installation } from "./installation.ts";
import { Screen } from "./screen.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130; // 128 + SIGINT, as shells do
const EXIT_NOTICE_MS = 500;
/** npm forwards a Ctrl-C that the terminal also sends to this process: one key press, two signals. */
const SAME_KEY_PRESS_MS = 500;

export interface DemoStage {
  installation: Installation;
  screen: Screen;
  /** Aborted when the demo must end early. */
  signal: AbortSignal;
}

class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

export interface DemoOptions {
  title: string;
  environment: NodeJS.ProcessEnv;
}

/** Returns the exit code: 0 only if `demonstrate` completes. */
export async function runDemo(
  { title, environment }: DemoOptions,
  demonstrate: (stage: DemoStage) => Promise<void>,
): Promise<number> {
  const screen = new Screen(process.stdout);
  const stopping = new AbortController();
  listenForSignals(stopping);
  const installation = new Installation({ environment, stopping, log: (line) => screen.printLine(line) });
  try {
    screen.printTitle(title);
    await demonstrate({ installation, screen, signal: stopping.signal });
    return 0;
  } catch (error) {
    screen.endText();
    const cause = await findCause(error, stopping.signal);
    if (cause instanceof InterruptedError) {
      screen.printLine("Stopping.", "none", "");
      return EXIT_INTERRUPTED;
    }
    process.stderr.write(`\n✗ ${cause instanceof Error ? cause.message : String(cause)}\n${installation.logs()}\n`);
    return EXIT_FAILED;
  } finally {
    await installation[Symbol.asyncDispose]();
  }
}

/** A request or a stream may fail before the exit or key press that caused it is reported. */
async function findCause(thrown: unknown, stopped: AbortSignal): Promise<unknown> {
  await delay(EXIT_NOTICE_MS, undefined, { signal: stopped }).catch(() => {});
  return stopped.aborted ? stopped.reason : thrown;
}

/** The first signal shuts everything down in order. The second ends this process, and with it everything it started. */
function listenForSignals(stopping: AbortController): void {
  let firstAtMs: number | undefined;
  const onSignal = (): void => {
    if (firstAtMs === undefined) {
      firstAtMs = performance.now();
      stopping.abort(new InterruptedError());
    } else if (performance.now() - firstAtMs > SAME_KEY_PRESS_MS) {
      process.exit(EXIT_INTERRUPTED);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // The reader of the output is gone.
  process.stdout.on("error", () => stopping.abort(new InterruptedError()));
}

export interface InstallationStart {
  /** Counted from the moment at which Redis is ready. */
  timeLimitMs: number;
  /** Settings of the API and the workers, added to those of the installation. */
  settings?: NodeJS.ProcessEnv;
}

/** Starts Redis, an API process and two workers. Returns the API's base URL. */
export async function startInstallation(stage: DemoStage, { timeLimitMs, settings = {} }: InstallationStart) {
  const { installation, screen } = stage;
  screen.printLine(`Redis    ${await installation.startRedis()}`);
  installation.setTimeLimit(timeLimitMs);
  const starting = [installation.startWorker(settings), installation.startWorker(settings)];
  const [api, ...workers] = await Promise.all([installation.startApi(settings), ...starting]);
  screen.printLine(`API      ${api.url}, pid ${api.pid}`);
  for (const pid of workers) screen.printLine(`Worker   pid ${pid}`);
  return api.url;
}
