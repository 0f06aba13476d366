/** Images at and beyond the maximum size, within the limits of real workers. */
import { expect, test } from "vitest";
import { PythonSandbox } from "../../../../workers/tools/code-interpreter/python-sandbox.ts";
import { logsOf, runCode, usePython } from "../../../support/python.ts";

const MIB = 1024 * 1024;
const sandbox = new PythonSandbox(usePython(), "p");
const PNG = "b'\\x89PNG\\r\\n\\x1a\\n'";

test("written images all become files, and are shown up to the limit", async () => {
  const write = `_ = open(f'{i}.png', 'wb').write(${PNG} + os.urandom(7 * ${MIB}))`;
  const result = await runCode(sandbox, `import os\nkept = 1\nfor i in range(4): ${write}`);
  expect(result.error).toBeUndefined();
  expect(result.files.map(({ name }) => name)).toEqual(["0.png", "1.png", "2.png", "3.png"]);
  const images = result.outputs.filter((output) => output.type === "image");
  expect(images).toHaveLength(1);
  expect(Buffer.compare(images[0]!.bytes, result.files[0]!.bytes)).toBe(0);
  expect(logsOf(result)).toBe("[Some images were too large to show.]\n");
  expect(logsOf(await runCode(sandbox, "kept"))).toBe("1\n");
});

test("displayed images come first, within their share of the limit", async () => {
  await runCode(sandbox, "for i in range(4): os.remove(f'{i}.png')");
  const code = `display(${PNG} + bytes(5 * ${MIB}))\n_ = open('large.png', 'wb').write(${PNG} + bytes(4 * ${MIB}));\n_ = open('small.png', 'wb').write(${PNG});`;
  const result = await runCode(sandbox, code);
  const sizes = result.outputs.flatMap((output) => (output.type === "image" ? [output.bytes.length] : []));
  expect(sizes).toEqual([5 * MIB + 8, 8]);
  expect(logsOf(result)).toBe("[Some images were too large to show.]\n");
});
