/** The package that npm publishes, installed into an empty folder, on the oldest Node that it supports and on this one. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CliRun, runCli } from "../support/cli-run.ts";
import { type InstalledPackage, installOldestNode, installPackage } from "../support/installed-package.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";

const run = promisify(execFile);
let folder: string;
let installed: InstalledPackage;
const nodes = new Map<string, string>([["this Node", process.execPath]]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "oldest-node-"));
  const [, oldest] = await Promise.all([
    installPackage().then((each) => (installed = each)),
    installOldestNode(folder),
  ]);
  nodes.set("the oldest Node", oldest);
}, 240_000);
afterAll(async () => {
  await installed?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("the tarball has what it needs and nothing else", () => {
  const folders = new Set(installed.files.map((file) => file.split("/")[0]!));
  expect([...folders].toSorted()).toEqual(
    [
      "ARCHITECTURE.md",
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "LICENSE",
      "README.md",
      "dist",
      "docs",
      "package.json",
    ].toSorted(),
  );
  expect(new Set(installed.files.filter((file) => file.startsWith("dist/")).map((file) => file.split("/")[1]))).toEqual(
    new Set(["src", "workers"]),
  );
  const strays = installed.files.filter((file) => /(?<!\.d)\.ts$|\.test\.|\.map$/.test(file));
  expect(strays).toEqual([]);
  const declared = installed.files.filter((file) => file.endsWith(".d.ts"));
  expect(declared.filter((file) => !file.startsWith("dist/src/client/"))).toEqual([]);
});

const PYTHON = JSON.stringify({ call: "code_interpreter", arguments: { code: "print(6 * 7)" } });

describe.each(["this Node", "the oldest Node"])("on %s", (name) => {
  const options = () => ({ node: nodes.get(name)!, program: installed.program });

  test("the package starts a server, and its commands run, follow and report", async () => {
    const cwd = join(installed.folder, `server on ${name}`);
    await mkdir(cwd);
    const settings = { REDIS_URL: testRedisUrl(), KEY_PREFIX: uniquePrefix(), PORT: "0" };
    await using server = new CliRun(["start"], { ...options(), cwd, environment: settings });
    const [, url] = await server.says(/Ready at (\S+)\. /);
    const client = { ...options(), environment: { BACKGROUND_RESPONSES_URL: url! } };
    const python = ["--tool", "code_interpreter", "--metadata", `simulator.step.1=${PYTHON}`];
    const followed = await runCli(["submit", "hello", "--follow", ...python], client);
    expect(followed).toMatchObject({ code: 0, output: expect.stringContaining("“hello”") as string });
    expect(followed.notes).toContain("ran 1 lines of Python");
    const [, id] = /^(resp_\w+)$/m.exec(followed.notes)!;
    const tail = await runCli(["tail", id!, "--json"], client);
    expect(tail.code).toBe(0);
    // The simulator repeats what Python printed.
    expect((await runCli(["report", id!], client)).output).toContain("the output of python: “42”");
    const origin = new URL(url!).origin;
    const pages = ["/docs", "/docs/clients", "/docs/api", "/docs/guide.css", "/openapi.json", "/readyz"];
    const statuses = await Promise.all(pages.map(async (page) => (await fetch(origin + page)).status));
    expect(statuses).toEqual(pages.map(() => 200));
    const doctor = await runCli(["doctor"], {
      ...options(),
      cwd,
      environment: { ...settings, PORT: new URL(url!).port },
    });
    expect(doctor).toMatchObject({
      code: 0,
      output: expect.stringContaining(`✓ API: It is ready at ${origin}/v1`) as string,
    });
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test("a worker's process reads documents", async () => {
    const reader = join(
      installed.folder,
      "node_modules/background-responses/dist/workers/documents/document-reader.js",
    );
    const fixtures = join(import.meta.dirname, "..", "workers", "documents", "fixtures");
    const program = `
      import { readFileSync } from "node:fs";
      const { DocumentReader } = await import(${JSON.stringify(reader)});
      const reader = new DocumentReader();
      const signal = new AbortController().signal;
      for (const name of ["named-maps.pdf", "report.docx", "heights.xlsx"]) {
        const bytes = readFileSync(${JSON.stringify(fixtures)} + "/" + name);
        const { text } = await reader.read(bytes, { project: "p", signal });
        console.log(text.split("\\n")[0]);
      }`;
    const { stdout } = await run(nodes.get(name)!, ["--input-type=module", "-e", program]);
    expect(stdout).toBe("苔藓是绿色植物\n# Report on mosses\n# Heights\n");
  });

  test("a program in JavaScript imports the client", async () => {
    const file = join(installed.folder, "program.js");
    await writeFile(
      file,
      'import { follow, waitFor } from "background-responses/client";\nconsole.log(typeof follow, typeof waitFor);\n',
    );
    const { stdout } = await run(nodes.get(name)!, [file]);
    expect(stdout).toBe("function function\n");
  });
});

test("a program in TypeScript gets the types of its own client", async () => {
  const modules = join(installed.folder, "node_modules");
  await symlink(join(import.meta.dirname, "..", "..", "node_modules", "openai-6"), join(modules, "openai-6"));
  const program = `
    import OpenAI from "openai";
    import OpenAI6 from "openai-6";
    import { follow, waitFor } from "background-responses/client";
    for await (const event of follow(new OpenAI(), "resp_1", { after: 3 })) {
      const known: OpenAI.Responses.ResponseStreamEvent = event;
      if (known.type === "response.output_text.delta") console.log(known.delta);
    }
    const text: string = (await waitFor(new OpenAI6(), "resp_1")).output_text;
    // @ts-expect-error -- no such option
    follow(new OpenAI(), "resp_1", { afterwards: 3 });
    console.log(text);
  `;
  await writeFile(join(installed.folder, "program.ts"), program);
  const compiler = join(import.meta.dirname, "..", "..", "node_modules", "typescript", "bin", "tsc");
  const flags = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--skipLibCheck",
    "false",
    "--lib",
    "es2023,dom,dom.asynciterable",
  ];
  const compiled = await run(process.execPath, [compiler, ...flags, "program.ts"], { cwd: installed.folder }).then(
    () => "",
    ({ stdout }: { stdout: string }) =>
      stdout
        .split("\n")
        .filter((line) => /program\.ts|background-responses/.test(line))
        .join("\n"),
  );
  expect(compiled).toBe("");
});
