import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonStringReader } from "../../../../workers/tools/code-interpreter/json-string-reader.ts";

function readPieces(pieces: readonly string[]) {
  const reader = new JsonStringReader("code");
  const deltas = pieces.map((piece) => reader.push(piece));
  return { deltas: [...deltas, reader.end()], text: reader.text, isFound: reader.isFound };
}

/** JSON with any of its characters escaped and whitespace between its parts. */
function spelled(value: unknown, escape: (at: number) => boolean, indent: number): string {
  const json = JSON.stringify(value, undefined, indent);
  let isInString = false;
  let written = "";
  for (let i = 0; i < json.length; i++) {
    const char = json[i]!;
    if (isInString && char === "\\") {
      const length = json[i + 1] === "u" ? 6 : 2;
      written += json.slice(i, i + length);
      i += length - 1;
      continue;
    }
    if (char === '"') isInString = !isInString;
    const isPlain = !isInString || char === '"' || !escape(i);
    written += isPlain ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  }
  return written;
}

function cutAt(text: string, positions: readonly number[]): string[] {
  const cuts = [...new Set(positions.map((position) => position % (text.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i] ?? text.length));
}

describe("a string that is read from partial JSON", () => {
  test("equals JSON.parse's result for every cut", () => {
    const text = fc.string({ unit: "binary" });
    const others = fc.dictionary(fc.oneof(text, fc.constantFrom("code ", "Code", "x")), fc.jsonValue(), { maxKeys: 4 });
    const object = fc
      .tuple(
        others,
        fc.option(fc.oneof(text, fc.constantFrom('"code": "no"', "\\", "🐍\n\t")), { nil: undefined }),
        others,
      )
      .map(([before, code, after]): object => {
        const { code: _, ...rest } = { ...before, ...(code !== undefined && { code }), ...after };
        return code === undefined
          ? rest
          : { ...before, code, ...Object.fromEntries(Object.entries(after).filter(([key]) => key !== "code")) };
      });
    const escapes = fc.infiniteStream(fc.boolean());
    const indent = fc.constantFrom(0, 2);
    const cuts = fc.array(fc.nat(5_000), { maxLength: 30 });
    fc.assert(
      fc.property(object, escapes, indent, cuts, (value, isEscaped, spaces, positions) => {
        const json = spelled(value, () => isEscaped.next().value, spaces);
        const { code } = JSON.parse(json) as { code?: unknown };
        const read = readPieces(cutAt(json, positions));
        const isText = typeof code === "string";
        expect(read.isFound).toBe(isText);
        expect(read.text).toBe(isText ? code : "");
        expect(read.deltas.join("")).toBe(read.text);
      }),
      { numRuns: 2_000 },
    );
  });

  test("never ends a piece inside a character", () => {
    const whole = JSON.stringify({ code: "a🐍b" });
    for (const json of [whole, whole.replace("🐍", "\\ud83d\\udc0d")]) {
      const { deltas, text } = readPieces(json.split(""));
      expect(text).toBe("a🐍b");
      expect(deltas.filter((delta) => !delta.isWellFormed())).toEqual([]);
    }
  });

  test.each([
    ["in a nested object", '{"a":{"code":"no"},"code":"yes"}', "yes"],
    ["in a list", '{"a":["code",{"code":"no"}],"code":"yes"}', "yes"],
    ["as a value", '{"a":"code","b":"no","code":"yes"}', "yes"],
    ["with an escaped name", '{"\\u0063ode":"yes"}', "yes"],
    ["in a second property after the shown one", '{"code":"first","code":"second"}', "first"],
    ["as the first half of a character", '{"code":"\\ud83d"}', "\ud83d"],
  ])("%s", (_, json, code) => {
    expect(readPieces([json]).text).toBe(code);
  });

  test.each(["[]", '["code","x"]', "null", '"code"', '{"code":1}', '{"code":null}', '{"code":["x"]}', "{}", ""])(
    "is not found %s",
    (json) => {
      expect(readPieces([json])).toMatchObject({ isFound: false, text: "" });
    },
  );
});
