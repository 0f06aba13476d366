/** Follows a run to its end for `submit --follow` and `tail`. Ctrl-C stops following, not the run. */
import { follow } from "../client/index.ts";
import type { ClientCli } from "./cli.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { Progress } from "./progress.ts";
import { watchRun } from "./watch-run.ts";

export interface FollowFlags {
  after?: number | undefined;
  json?: boolean | undefined;
}

/** Returns the exit code. */
export async function followRun(cli: ClientCli, id: string, { after, json = false }: FollowFlags): Promise<number> {
  const { client, terminal } = cli;
  const stopping = new AbortController();
  const watching = new AbortController();
  const stop = (): void => {
    // The second key press ends the program even if something hangs.
    if (stopping.signal.aborted) process.exit(EXIT.interrupted);
    stopping.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  const progress = json ? undefined : new Progress(terminal, { streamsText: process.stdout.isTTY });
  const run = follow(client, id, {
    after,
    signal: stopping.signal,
    onRetry: (notice) => progress?.showRetry(notice),
  });
  if (progress !== undefined) void watchRun(client, id, watching.signal, (watched) => progress.showRun(watched));
  try {
    for await (const event of run) {
      if (progress === undefined) terminal.print(JSON.stringify(event));
      else progress.showEvent(event);
    }
    const response = await run.finalResponse();
    progress?.showEnd(response);
    return exitCodeOf(response.status);
  } catch (error) {
    progress?.[Symbol.dispose]();
    terminal.endText();
    const how = `background-responses tail ${id}${run.cursor === undefined ? "" : ` --after ${run.cursor}`}`;
    if (!stopping.signal.aborted) {
      if (run.cursor !== undefined) terminal.note(`Resume with: ${how}`);
      throw error;
    }
    terminal.note(`Stopped following; the run continues. Resume with: ${how}`);
    return EXIT.interrupted;
  } finally {
    watching.abort();
    progress?.[Symbol.dispose]();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  }
}
