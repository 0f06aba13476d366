/** The state of another process, as the system reports it. */
import { readFile } from "node:fs/promises";

/** Returns false for a zombie process, where the system distinguishes it (Linux). */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process runs under another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  return (await statusFields(pid))?.[STATE] !== "Z";
}

/** In clock ticks since boot. Together with the pid it identifies a process. Linux only. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  return (await statusFields(pid))?.[START_TIME];
}

const STATE = 0;
const START_TIME = 19;

/**
 * The fields of proc(5)'s `stat` from the third on. The second, the program's name, may contain spaces and parentheses.
 */
async function statusFields(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
