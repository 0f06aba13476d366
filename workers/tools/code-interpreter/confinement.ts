/**
 * Builds the command line of an interpreter's process. Node's permission model always applies, and the system's wrapper
 * where there is one.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { findSystemWrapper, SEARCH_PATH } from "../../confinement/system-wrapper.ts";

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

export async function buildConfinedCommand(interpreterMemoryBytes: number): Promise<ConfinedCommand> {
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
  const [program, ...args] = [...(await findSystemWrapper()), ...node];
  return { program: program!, args, env: { PATH: SEARCH_PATH } };
}
