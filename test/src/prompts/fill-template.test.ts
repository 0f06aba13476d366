/** What a placeholder is, and what replaces it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillTemplate } from "../../../src/prompts/fill-template.ts";
import { splitPlaceholders } from "../../../src/prompts/placeholders.ts";
import { makeTemplate, templateFileSchema } from "../../../src/prompts/template.ts";
import type { InputContent } from "../../../src/protocol/content.ts";
import type { PromptVariables } from "../../../src/protocol/request-options.ts";

const PHOTO: InputContent = { type: "input_image", image_url: "https://example.org/heron.png", detail: null };
const SHOWN_PHOTO = { type: "input_image", image_url: "https://example.org/heron.png", detail: "auto" };
const REPORT: InputContent = { type: "input_file", file_id: "file_1" };
const NOTE: InputContent = { type: "input_text", text: "a note" };
const text = (value: string) => ({ type: "input_text", text: value });

function fill(file: object, variables: PromptVariables = {}, maxLength = 1_000) {
  return fillTemplate(makeTemplate("1", templateFileSchema.parse(file)), variables, maxLength);
}

/** The content of the single message made from `content`. */
const contentOf = (content: unknown, variables?: PromptVariables) =>
  fill({ messages: [{ role: "user", content }] }, variables)[0]!.content;

describe("a text", () => {
  test.each<[string, ReturnType<typeof splitPlaceholders>]>([
    ["", []],
    ["no variable", ["no variable"]],
    ["{{a}}", [{ variable: "a" }]],
    ["{{ a }}", [{ variable: "a" }]],
    ["x{{a}}y{{b-2_C}}", ["x", { variable: "a" }, "y", { variable: "b-2_C" }]],
    ["{{a}}{{a}}", [{ variable: "a" }, { variable: "a" }]],
    ["{a} }} {", ["{a} }} {"]],
    [String.raw`\{{a}} and {{a}}`, ["{{a}} and ", { variable: "a" }]],
    ["{{constructor}}", [{ variable: "constructor" }]],
  ])("%j has these pieces", (source, pieces) => {
    expect(splitPlaceholders(source)).toEqual(pieces);
  });

  test.each(["{{", "{{}}", "{{a", "{{a}", "{{a b}}", "{{1}}", "{{__proto__}}", "{{{a}}}", "{{a\n}}", "{{#if}}"])(
    "%j is rejected, and shown",
    (source) => {
      expect(() => splitPlaceholders(`before ${source}`)).toThrow(`'${source}' does not begin a placeholder`);
    },
  );
});

describe("variables", () => {
  test.each<[string, PromptVariables, object[]]>([
    ["Go to {{a}}.", { a: "Hull" }, [text("Go to Hull.")]],
    ["{{a}}", { a: "{{b}} {{a}} $& $1 \\{{" }, [text("{{b}} {{a}} $& $1 \\{{")]],
    ["{{a}}", { a: "" }, [text("")]],
    ["Before {{a}} after", { a: PHOTO }, [text("Before "), SHOWN_PHOTO, text(" after")]],
    ["{{a}}", { a: REPORT }, [REPORT]],
    ["{{a}}{{b}}{{a}}", { a: PHOTO, b: REPORT }, [SHOWN_PHOTO, REPORT, SHOWN_PHOTO]],
    ["x {{a}}{{b}} y", { a: "1", b: NOTE }, [text("x 1"), NOTE, text(" y")]],
    ["{{constructor}}-{{toString}}", { constructor: "c", toString: "t" }, [text("c-t")]],
  ])("%j is filled with %j", (content, variables, parts) => {
    expect(contentOf(content, variables)).toEqual(parts);
  });

  test("fill each part, which keeps its breakpoint at its end", () => {
    const prompt_cache_breakpoint = { mode: "explicit" };
    const parts = [{ type: "input_text", text: "See {{a}} and {{b}}", prompt_cache_breakpoint }, SHOWN_PHOTO];
    expect(contentOf(parts, { a: REPORT, b: "x" })).toEqual([
      text("See "),
      REPORT,
      { ...text(" and x"), prompt_cache_breakpoint },
      SHOWN_PHOTO,
    ]);
  });

  test("fill instructions and assistant messages", () => {
    const file = {
      instructions: "Be {{how}}.",
      messages: [
        { role: "system", content: "S" },
        { role: "assistant", content: "I am {{how}}, {{note}}." },
      ],
    };
    expect(fill(file, { how: "kind", note: NOTE })).toEqual([
      { type: "message", role: "developer", content: [text("Be kind.")] },
      { type: "message", role: "system", content: [text("S")] },
      { type: "message", role: "assistant", content: "I am kind, a note." },
    ]);
    expect(() => fill(file, { how: PHOTO, note: NOTE })).toThrow(
      expect.objectContaining({ status: 400, param: "prompt.variables.how", code: "invalid_type" }),
    );
  });

  const PLACES = ["{{a}}", "{{constructor}}"];
  test.each<[PromptVariables, string, string, string]>([
    [
      { a: "" },
      "constructor",
      "missing_required_parameter",
      "Missing required parameter: 'prompt.variables.constructor'.",
    ],
    [{}, "a", "missing_required_parameter", "Missing required parameter: 'prompt.variables.a'."],
    [
      { a: "", constructor: "", toString: "" },
      "toString",
      "unknown_parameter",
      "Unknown parameter: 'prompt.variables.toString'.",
    ],
  ])("%j are not the template's", (variables, name, code, message) => {
    const messages = PLACES.map((content) => ({ role: "user", content }));
    const param = `prompt.variables.${name}`;
    expect(() => fill({ messages }, variables)).toThrow(expect.objectContaining({ status: 400, param, code, message }));
  });

  test("repeated beyond the limit are rejected before anything is built", () => {
    const messages = [{ role: "user", content: "{{a}}".repeat(10) }];
    expect(fill({ messages }, { a: "x".repeat(100) }, 1_000)).toHaveLength(1);
    const tooLong = expect.objectContaining({
      status: 400,
      param: "prompt.variables",
      code: "string_above_max_length",
      message: expect.stringContaining("maximum length 1000, but got a prompt with length 1010 instead"),
    });
    expect(() => fill({ messages }, { a: "x".repeat(101) }, 1_000)).toThrow(tooLong);
    const image: InputContent = { type: "input_image", image_url: "x".repeat(200) };
    expect(() => fill({ messages }, { a: image }, 1_000)).toThrow(
      expect.objectContaining({ code: "string_above_max_length" }),
    );
  });

  test("as strings give the same text as joining by hand", () => {
    const names = fc.constantFrom("a", "b", "constructor", "x-1_Y");
    const literals = fc.string({ unit: fc.constantFrom("a", " ", "{", "}", "$", "\u{1F426}", "\n") }).map(withoutMarks);
    const pieces = fc.array(fc.oneof(literals, fc.record({ variable: names, space: fc.constantFrom("", " ", "\t") })));
    const values = fc.dictionary(names, fc.oneof(fc.string(), fc.constantFrom("{{a}}", "{{b}}", "\\{{", "$&")));
    fc.assert(
      fc.property(pieces, values, (parts, given) => {
        // A third brace before a placeholder would be an error.
        const apart = parts.map((part) => (typeof part === "string" ? part.replace(/\{$/, "") : part));
        const source = apart.map((p) => (typeof p === "string" ? p : `{{${p.space}${p.variable}${p.space}}}`)).join("");
        const used = new Set(apart.flatMap((part) => (typeof part === "string" ? [] : [part.variable])));
        const variables = Object.fromEntries([...used].map((name) => [name, valueOf(given, name)]));
        const expected = apart.map((part) => (typeof part === "string" ? part : variables[part.variable])).join("");
        expect(contentOf(source, variables)).toEqual([text(expected)]);
      }),
    );
  });
});

/** Not every object has an own `constructor`. */
function valueOf(given: Record<string, string>, name: string): string {
  return Object.hasOwn(given, name) ? given[name]! : `value of ${name}`;
}

/** Text that has no two opening braces. */
function withoutMarks(literal: string): string {
  return literal.replaceAll(/\{+/g, "{");
}
