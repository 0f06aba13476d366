/** The process that reads documents: it may do little, and it ends with its worker. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { buildConfinedCommand } from "../../../workers/documents/confined-command.ts";

/** What a script prints that runs as the process does. */
async function runConfined(script: string): Promise<string> {
  const { program, args, env } = await buildConfinedCommand(128);
  const { stdout } = await promisify(execFile)(program, [...args.slice(0, -1), "--input-type=module", "-e", script], {
    env,
  });
  return stdout.trim();
}

const attempt = (code: string) =>
  runConfined(
    `console.log(await (async () => { try { ${code}; return "done"; } catch (error) { return error.code ?? error.name; } })())`,
  );

describe("a document's process", () => {
  test.each([
    [
      "read other files",
      'const { readFileSync } = await import("node:fs"); readFileSync("/etc/passwd")',
      "ERR_ACCESS_DENIED",
    ],
    [
      "write files",
      'const { writeFileSync } = await import("node:fs"); writeFileSync("/tmp/document", "x")',
      "ERR_ACCESS_DENIED",
    ],
    [
      "start programs",
      'const { execSync } = await import("node:child_process"); execSync("true")',
      "ERR_ACCESS_DENIED",
    ],
    [
      "start threads",
      'const { Worker } = await import("node:worker_threads"); new Worker("0", { eval: true })',
      "ERR_ACCESS_DENIED",
    ],
    ["make code of strings", 'new Function("return 1")()', "EvalError"],
  ])("cannot %s", async (_name, code, failure) => {
    expect(await attempt(code)).toBe(failure);
  });

  test("has none of the worker's variables", async () => {
    expect(await runConfined("console.log(Object.keys(process.env).filter((name) => name !== 'PATH').length)")).toBe(
      "0",
    );
  });
});

describe("after the worker is killed", () => {
  /** A worker that reads a document. It prints the pid of its process. */
  async function startWorker(html: string): Promise<{ worker: ChildProcess; pid: number }> {
    const file = new URL("../../../workers/documents/document-process.ts", import.meta.url);
    const script = `
      const { DocumentProcess } = await import("${file.href}");
      const { DEFAULT_DOCUMENT_LIMITS: limits } = await import("${new URL("document-limits.ts", file).href}");
      const signal = new AbortController().signal;
      const process = await DocumentProcess.start(limits, signal);
      console.log(process.pid);
      await process.read(Buffer.from(${html}), { limits, contentType: "text/html" }, signal);
      setInterval(() => {}, 1000);`;
    const worker = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(worker.stdout), "line")) as [string];
    return { worker, pid: Number(line) };
  }

  test.each([
    ["an idle process", '"<p>short"'],
    ["a busy one", '"<div>".repeat(600_000)'],
  ])("%s exits", async (_name, html) => {
    const { worker, pid } = await startWorker(html);
    worker.kill("SIGKILL");
    await once(worker, "exit");
    await once(spawn("tail", [`--pid=${pid}`, "-f", "/dev/null"]), "exit");
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});
