import { expect, test } from "vitest";
import { collectConversationFiles } from "../../../../workers/tools/code-interpreter/conversation-files.ts";

const LIMITS = { files: 3, fileBytes: 10 };

function filesOf(...files: [name: string | null, text: string][]) {
  const content = files.map(([filename, text]) => ({
    type: "input_file" as const,
    filename,
    file_data: Buffer.from(text).toString("base64"),
  }));
  const other = { type: "input_file" as const, file_url: "https://example.com/x" };
  const item = { type: "message" as const, role: "user" as const, content: [...content, other] };
  const found = collectConversationFiles([{ type: "message", role: "user", content: "Go" }, item], LIMITS);
  return { ...found, files: found.files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]) };
}

test.each([
  ["a.txt", "a.txt"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Users\\me\\a.csv", "a.csv"],
  ["..", "file"],
  ["", "file"],
  [null, "file"],
  ["a\0b", "ab"],
  [`${"ü".repeat(150)}.csv`, `${"ü".repeat(98)}.csv`],
])("the file %j is named %j", (name, called) => {
  expect(filesOf([name, "x"]).files).toEqual([[called, "x"]]);
});

test("the last file of a name counts, and the newest take the space", () => {
  expect(filesOf(["a", "12345678"], ["b", "1"], ["a", "2"], ["c", "123456789"])).toEqual({
    files: [
      ["a", "2"],
      ["c", "123456789"],
    ],
    omittedNames: ["b"],
  });
  expect(filesOf(["a", "1"], ["b", "2"], ["c", "3"], ["d", "4"]).omittedNames).toEqual(["a"]);
});
