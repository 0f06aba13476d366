/**
 * Removes the types of TypeScript modules. It runs in a thread of its own: the API keeps serving, and Node's warning that
 * the function is experimental is off in that thread alone.
 */
import { once } from "node:events";
import { stripTypeScriptTypes } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** The same number of modules, in the same order. */
export async function removeTypes(sources: readonly string[]): Promise<string[]> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { sourcesWithTypes: sources },
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [stripped] = (await once(worker, "message")) as [string[]];
  return stripped;
}

function isRequest(data: unknown): data is { sourcesWithTypes: string[] } {
  return typeof data === "object" && data !== null && "sourcesWithTypes" in data;
}

if (!isMainThread && isRequest(workerData)) {
  const stripped = workerData.sourcesWithTypes.map((source) => stripTypeScriptTypes(source));
  parentPort?.postMessage(stripped, []);
}
