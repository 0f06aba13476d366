/**
 * The types of a client, as openapi-typescript generates them. It runs in TypeScript 5, and the project has TypeScript 7:
 * so this folder is a package of its own, with a TypeScript of its own.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeApi } from "../../src/openapi/document.ts";

const GENERATOR = fileURLToPath(new URL("node_modules/.bin/openapi-typescript", import.meta.url));
const COMPILER = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));

test("openapi-typescript generates types without a warning, and they compile", async () => {
  const generated = await run(GENERATOR, [], JSON.stringify(describeApi()));
  expect(generated.errors).toBe("");
  const folder = await mkdtemp(join(tmpdir(), "client-types-"));
  try {
    const file = join(folder, "api.ts");
    await writeFile(file, generated.output);
    const compiled = await run(COMPILER, [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      file,
    ]);
    expect(compiled).toEqual({ output: "", errors: "" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function run(program: string, args: string[], input = ""): Promise<{ output: string; errors: string }> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { output, errors };
}
