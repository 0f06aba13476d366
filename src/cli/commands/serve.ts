/** `start`, `api` and `worker`: the processes of a server, with the settings of the environment and of `.env`. */
import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { runEverything } from "../../local/run-everything.ts";

/** The folder of `src/` and `workers/`: TypeScript in the project, compiled in the package. */
const CODE = join(import.meta.dirname, "..", "..", "..");

/** Keeps Redis's data in `.data/` of the folder. */
export async function start(folder: string): Promise<number> {
  return await runEverything(folder);
}

/** The process itself decides when and how it exits. Only its path is known here: `src` imports no worker. */
export async function runProcessOf(script: "src/server" | "workers/main"): Promise<undefined> {
  loadEnvironmentFile(process.cwd());
  await import(pathToFileURL(join(CODE, script + extname(import.meta.filename))).href);
}

/** Variables that are set already win. */
export function loadEnvironmentFile(folder: string): void {
  const file = join(folder, ".env");
  if (existsSync(file)) process.loadEnvFile(file);
}
