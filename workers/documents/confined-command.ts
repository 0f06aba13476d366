/**
 * Builds the command line of a document's process. Node's permission model lets it read this room and the packages, and
 * nothing else. Where the system allows it, the process has no network either.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join, sep } from "node:path";
import { findSystemWrapper, SEARCH_PATH } from "../confinement/system-wrapper.ts";

/** They may be installed in several folders. */
const PACKAGES = ["chardet", "fflate", "file-type", "jsdom", "mammoth", "papaparse", "saxes", "unpdf"];
const PACKAGE_ROOT = `${sep}node_modules${sep}`;

export interface ConfinedCommand {
  program: string;
  args: string[];
  env: Record<string, string>;
}

export async function buildConfinedCommand(heapMb: number): Promise<ConfinedCommand> {
  // Resolves links, because Node compares real paths with those it may read.
  const ownFolder = realpathSync(import.meta.dirname);
  const node = [
    process.execPath,
    "--permission",
    ...[ownFolder, ...findPackageFolders()].map((folder) => `--allow-fs-read=${join(folder, "*")}`),
    "--disallow-code-generation-from-strings",
    "--disable-sigusr1",
    "--no-warnings",
    `--max-old-space-size=${heapMb}`,
    join(ownFolder, "process", `host${extname(import.meta.filename)}`),
  ];
  const [program, ...args] = [...(await findSystemWrapper()), ...node];
  return { program: program!, args, env: { PATH: SEARCH_PATH } };
}

function findPackageFolders(): string[] {
  const { resolve } = createRequire(import.meta.url);
  const folders = PACKAGES.map((name) => {
    const path = realpathSync(resolve(name));
    const at = path.indexOf(PACKAGE_ROOT);
    return at < 0 ? path : path.slice(0, at + PACKAGE_ROOT.length - 1);
  });
  return [...new Set(folders)];
}
