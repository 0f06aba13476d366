/**
 * A command that starts a process of untrusted content with less: an empty network namespace, no capabilities (even for
 * root), and an end with its parent. Node's permission model comes in addition. The system is probed once. Without a
 * wrapper, a process that is busy when its parent is killed runs until its own timeout.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const SETPRIV = ["setpriv", "--pdeathsig=KILL", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"];
/** The most confined first. */
const WRAPPERS: readonly (readonly string[])[] = [
  ["unshare", "--net", "--", ...SETPRIV],
  ["unshare", "--map-root-user", "--net", "--", ...SETPRIV],
  ["setpriv", "--pdeathsig=KILL", "--no-new-privs", "--"],
];
const PROBE_TIMEOUT_MS = 10_000;
/** The `PATH` for finding the wrappers. */
export const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

let wrapper: Promise<readonly string[]> | undefined;

/** The program and its arguments, before those of Node. Empty if the system allows none. */
export async function findSystemWrapper(): Promise<readonly string[]> {
  return await (wrapper ??= probe());
}

async function probe(): Promise<readonly string[]> {
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
