/** `show`: one run in words. */
import type { ClientCli, JsonFlag } from "../cli.ts";
import { readRun } from "../read-run.ts";
import { describeRun } from "../words/run.ts";

export async function show({ client, terminal }: ClientCli, id: string, { json }: JsonFlag): Promise<number> {
  const { run, nowMs } = await readRun(client, id);
  if (json) terminal.print(JSON.stringify(run));
  else for (const line of describeRun(run, nowMs)) terminal.print(line);
  return 0;
}
