/** Finds the Redis program on this machine. Valkey speaks the same protocol and accepts the same options. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

const PROGRAMS = ["redis-server", "valkey-server"];
/** The first version whose `SET` accepts both `NX` and `GET`. */
export const MIN_VERSION = "7.0";
const VERSION_TIMEOUT_MS = 10_000;

export interface FoundPrograms {
  /** The first program that is new enough. */
  program?: string;
  /** Installed programs that are too old, such as `redis-server 6.2.1`. */
  tooOld: string[];
}

export async function findRedisProgram(environment?: NodeJS.ProcessEnv): Promise<FoundPrograms> {
  const tooOld: string[] = [];
  for (const program of PROGRAMS) {
    const version = await versionOf(program, environment);
    if (version === undefined) continue;
    if (Number.parseInt(version, 10) >= Number.parseInt(MIN_VERSION, 10)) return { program, tooOld };
    tooOld.push(`${program} ${version}`);
  }
  return { tooOld };
}

/** Returns undefined if there is no such program, or it does not print `v=x.y.z`. */
async function versionOf(program: string, environment: NodeJS.ProcessEnv | undefined): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, ["--version"], { env: environment, timeout: VERSION_TIMEOUT_MS });
    return /\bv=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
