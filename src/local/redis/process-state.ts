/** What the system tells about another process. */
import { readFile } from "node:fs/promises";

/** False for a process that has ended but that nobody has waited for, where the system tells them apart (Linux). */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  return (await statusFields(pid))?.[STATE] !== "Z";
}

/** In clock ticks after the machine's start; with the pid it names a process for good. Linux only. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  return (await statusFields(pid))?.[START_TIME];
}

const STATE = 0;
const START_TIME = 19;

/** The fields of proc(5)'s `stat` from the third on: the second, the program's name, may hold spaces and parentheses. */
async function statusFields(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
