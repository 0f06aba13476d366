/** A process that is no good MCP server: it answers nothing, ignores every signal that can be ignored, and so does its child. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pollUntil } from "./poll-until.ts";

export interface StubbornServer {
  /** For MCP_SERVERS_FILE; its label is `srv`. */
  file: string;
  /** Of the process, which leads its group, and of its child; resolves once both are there. */
  pids: () => Promise<[number, number]>;
}

export async function stubbornServer(folder: string): Promise<StubbornServer> {
  const file = join(folder, "stubborn.json");
  const leader = join(folder, "leader");
  const child = join(folder, "child");
  const deaf = "trap '' TERM INT HUP";
  const forever = "while :; do sleep 1; done";
  const script = `${deaf}; sh -c "${deaf}; echo \\$\\$ > '${child}'; ${forever}" & echo $$ > '${leader}'; ${forever}`;
  const srv = { command: "/bin/sh", args: ["-c", script], env_names: ["PATH"] };
  await writeFile(file, JSON.stringify({ servers: { srv } }));
  const read = async (path: string) => Number(await readFile(path, "utf8").catch(() => "0"));
  const readPids = async (): Promise<[number, number]> => [await read(leader), await read(child)];
  const pids = async () => await pollUntil(readPids, (found) => found.every((pid) => pid > 0));
  return { file, pids };
}

/** Of a group, its leader's pid with a minus. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
