/** The tracing of one process, as the code sees it that starts and stops the process. */
import type { Logger } from "pino";
import type { Config } from "../../config/config.ts";
import type { Provider } from "../../providers/catalog.ts";

export const TRACES_LIMIT_MS = 2_000;

export interface Tracing {
  /** Sends the spans that wait. Resolves within `TRACES_LIMIT_MS`, whatever the collector does. */
  stop(): Promise<void>;
}

export interface TracedProcess {
  /** The kind of process: `api` or `worker`. */
  name: "api" | "worker";
  config: Config;
  providers: readonly Provider[];
  logger: Logger;
}
