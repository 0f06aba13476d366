/**
 * A list that is spread into a call lies on the stack: of about 100,000 entries the call throws a RangeError, and so does
 * `unpack` in a script of Redis above 8,000. Whatever data may fill goes as one argument, so no spread is allowed but
 * those listed here, each with what bounds it.
 */
import { globSync, readFileSync } from "node:fs";
import { type CallExpression, type NewExpression, parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";

const ALLOWED: Record<string, string> = {
  "src/logging/redirect-console.ts: format(...parts)": "the arguments of one call, handed on",
  "src/http/middleware/request-log.ts: writeHead(...parameters)": "what Node gives one function, handed to another",
  "src/providers/catalog.ts: file.createError(...faults)": "one for each provider of the operator's file",
  "src/logging/redaction/secret-forms.ts: forms.push(...base64Forms(head, bytes, skipped))":
    "two, one for each alphabet",
  "src/redis/liveness.ts: duplicate(...parameters)": "the arguments of one call, handed on",
  "src/redis/preflight.ts: findings.errors.push(...written.errors)": "one sentence at most",
  "src/redis/preflight.ts: findings.waitReasons.push(...written.waitReasons)": "one sentence at most",
  "src/redis/script.ts: commands[name]!(...keysAndArgs)": "lists among them are arguments of their own",
  "workers/tools/code-interpreter/interpreter/realm-globals.ts: call(...values)":
    "the guest's own arguments of a timer",
  "workers/tools/code-interpreter/interpreter/realm-globals.ts: String.fromCharCode(...bytes.subarray(at, at + CHUNK))":
    "cut to CHUNK",
};

/** A script's list of fields of the record, which are some thirty. */
const UNPACKED = ["src/store/write-record.ts: unpack(args, fields)"];

const SOURCES = globSync(["src/**/*.ts", "workers/**/*.ts"]).map((file) => ({
  file,
  text: readFileSync(file, "utf8"),
}));

function spreadsIn({ file, text }: (typeof SOURCES)[number]): string[] {
  const found: string[] = [];
  const look = ({ callee, arguments: given }: CallExpression | NewExpression): void => {
    const name = text.slice(callee.start, callee.end);
    // `f.apply(this, list)` spreads as well.
    if (/\bapply$/.test(name)) found.push(`${file}: ${name}`);
    for (const each of given) {
      if (each.type === "SpreadElement") found.push(`${file}: ${name}(${text.slice(each.start, each.end)})`);
    }
  };
  new Visitor({ CallExpression: look, NewExpression: look }).visit(parseSync(file, text).program);
  return found;
}

test("nothing that data fills is spread into a call", () => {
  expect(SOURCES.length).toBeGreaterThan(100);
  const found = SOURCES.flatMap(spreadsIn);
  expect(found.filter((spread) => ALLOWED[spread] === undefined)).toEqual([]);
  expect(Object.keys(ALLOWED).filter((spread) => !found.includes(spread))).toEqual([]);
});

test("no script of Redis unpacks a list that data fills", () => {
  const found = SOURCES.flatMap(({ file, text }) =>
    [...text.matchAll(/\bunpack\((?:KEYS|ARGV|[a-z]+)\b[^()]*\)/g)].map(([call]) => `${file}: ${call}`),
  );
  expect(found.filter((call) => /KEYS|ARGV/.test(call) || call.includes("store/"))).toEqual(UNPACKED);
});
