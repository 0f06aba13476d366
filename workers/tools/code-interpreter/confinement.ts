/**
 * The command line of an interpreter's process: what Node forbids it, and what the system can forbid besides.
 *
 * Node's part always holds. The system's part is used where it is allowed, and found out once: a network namespace with
 * nothing in it; no capabilities, also for root; and the kernel's promise to end the process with its parent. Without it
 * an interpreter that is busy when its parent is killed ends at the limit of its run.
 */
import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
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

export interface ConfinedCommand {
  program: string;
  args: string[];
  /** For finding the wrappers. Node sees it too; the sandbox's realm does not. */
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
      // Not installed or not allowed here: the next one asks for less.
    }
  }
  return [];
}

export async function buildConfinedCommand(interpreterMemoryBytes: number): Promise<ConfinedCommand> {
  wrapper ??= findWrapper();
  // Links are followed here: what Node may read is compared with the files' real names.
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
    `--max-old-space-size=${MAX_HEAP_MIB}`,
    `--wasm-max-mem-pages=${Math.floor(interpreterMemoryBytes / WASM_PAGE_BYTES)}`,
    join(ownFolder, "interpreter", "host.ts"),
    pyodideFolder,
  ];
  const [program, ...args] = [...(await wrapper), ...node];
  return { program: program!, args, env: { PATH: SEARCH_PATH } };
}
