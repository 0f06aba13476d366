/** Runs `npm run demo` as a newcomer does, and records its output with the time of each part. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TerminalOutput } from "./read-terminal.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Throws if the demo fails: the image shows only runs whose every check held. */
export async function recordDemo(): Promise<TerminalOutput[]> {
  const outputs: TerminalOutput[] = [{ atMs: 0, text: "\u001B[36m$\u001B[39m npm run demo\n" }];
  const child = spawn("npm", ["run", "--silent", "demo"], {
    cwd: PROJECT,
    env: { ...process.env, FORCE_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const startMs = performance.now();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    outputs.push({ atMs: performance.now() - startMs, text });
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`npm run demo ended with ${code}.`);
  return outputs;
}
