/**
 * The log lines of a run: from the acceptance of a response to its end, one line for each change that an operator asks
 * about. At the default level they tell why a run waits, retries, moves to another worker or fails.
 */
import type { Logger } from "pino";
import { channels } from "./channels.ts";
import { on, onEnd, onStart } from "./subscribe.ts";

/** Logs until the returned function is called. */
export function logRuns(logger: Logger): () => void {
  const stops = [
    on(channels.accepted, (report) => logger.info(report, "Response accepted")),
    onStart(channels.attempt, ({ responseId, project, model, attempt, worker, wasLeft }) =>
      // Every second, until a worker can run it.
      logger[wasLeft ? "debug" : "info"]({ responseId, project, model, attempt, worker }, "Attempt started"),
    ),
    onEnd(channels.attempt, ({ responseId, project, model, attempt, end, reason }) => {
      // The end of the response has a line of its own.
      if (end === "ended") return;
      const line = { responseId, project, model, attempt, end, ...(reason !== undefined && { reason }) };
      if (end === "handed_over") logger.info(line, "Handed over to another worker");
      else logger[end === "failed" ? "warn" : "debug"](line, "Attempt ended without a result");
    }),
    on(channels.retry, (report) => logger.info(report, "Model call failed, retrying")),
    on(channels.wait, (report) => logger.info(report, "Waits in the queue for its provider")),
    on(channels.silence, (report) => logger.warn(report, "Provider silent during a model call")),
    on(channels.refusal, (report) => logger.warn(report, "Redis takes no events, retrying until it does")),
    on(channels.fallback, (report) => logger.warn(report, "Model not available, asking its fallback")),
    on(channels.recovery, (report) => logger.info(report, "Resuming after a lost worker")),
    onEnd(channels.toolCall, ({ isError, error, ...report }) => {
      if (isError === true) logger.info({ ...report, reason: error }, "Tool call failed");
    }),
    on(channels.spendAlert, (report) => logger.warn(report, "Project passed a spend threshold")),
    on(channels.ended, ({ usage, ...report }) => {
      const tokens = usage && { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens };
      const level = report.status === "failed" ? "warn" : "info";
      // The logger adds the trace itself.
      logger[level]({ ...report, trace: undefined, ...tokens }, "Response ended");
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
