/**
 * Builds the command line of an interpreter's process. Node's permission model always applies. Where the system allows
 * it, the process also has an empty network namespace, no capabilities (even for root), and ends with its parent. The
 * system is probed once. Without these, an interpreter that is busy when its parent is killed runs until its own
 * timeout.
 */
import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { promisify } from "node:util";

const SETPRIV = ["setpriv", "--pdeathsig=KILL", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"];
/** The most confined first. */
const WRAPPERS: readonly (readonly string[])[] = [
  ["unshare", "--net", "--", ...SETPRIV],
  ["unshare", "--map-root-user", "--net", "--", ...SETPRIV],
  ["setpriv", "--pdeathsig=KILL", "--no-new-privs", "--"],
];
const PROBE_TIMEOUT_MS = 10_000;
const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const WASM_PAGE_BYTES = 64 * 1024;
const MAX_HEAP_MIB = 256;

/** Python awaits by switching stacks. Node 24 has it without a flag, and does not know the flag. */
const STACK_SWITCHING = "Suspending" in WebAssembly ? [] : ["--experimental-wasm-jspi"];

export interface ConfinedCommand {
  program: string;
  args: string[];
  /** The `PATH` for finding the wrappers. Node sees it, but the sandbox's realm does not. */
  env: Record<string, string>;
}

let wrapper: Promise<readonly string[]> | undefined;

async function findWrapper(): Promise<readonly string[]> {
  for (const [program, ...args] of WRAPPERS) {
    try {
      await promisify(execFile)(program!, [...args, process.execPath, "--version"], {
        env: { PATH: SEARCH_PATH },
        timeout: PROBE_TIMEOUT_MS,
      });
      return [program!, ...args];
    } catch {
      // This wrapper is missing or not allowed. The next one needs less.
    }
  }
  return [];
}

export async function buildConfinedCommand(interpreterMemoryBytes: number): Promise<ConfinedCommand> {
  wrapper ??= findWrapper();
  // Resolves links, because Node compares real paths with those it may read.
  const pyodideFolder = realpathSync(dirname(createRequire(import.meta.url).resolve("pyodide")));
  const ownFolder = realpathSync(import.meta.dirname);
  const node = [
    process.execPath,
    "--permission",
    `--allow-fs-read=${join(pyodideFolder, "*")}`,
    `--allow-fs-read=${join(ownFolder, "*")}`,
    "--disallow-code-generation-from-strings",
    "--disable-sigusr1",
    "--experimental-vm-modules",
    "--no-warnings",
    ...STACK_SWITCHING,
    `--max-old-space-size=${MAX_HEAP_MIB}`,
    `--wasm-max-mem-pages=${Math.floor(interpreterMemoryBytes / WASM_PAGE_BYTES)}`,
    join(ownFolder, "interpreter", `host${extname(import.meta.filename)}`),
    pyodideFolder,
  ];
  const [program, ...args] = [...(await wrapper), ...node];
  return { program: program!, args, env: { PATH: SEARCH_PATH } };
}
