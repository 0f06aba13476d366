/**
 * A spread list lies on the stack: a call throws a RangeError from about 100,000 entries on, and `unpack` in a Redis
 * script fails above 8,000. A list of unbounded data is passed as one argument; the spreads listed here are allowed,
 * each with its bound.
 */
import { globSync, readFileSync } from "node:fs";
import { type CallExpression, type NewExpression, parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";

const ALLOWED: Record<string, string> = {
  "src/logging/redirect-console.ts: format(...parts)": "the arguments of one call, handed on",
  "src/console/page/ui/html.ts: template(...values)": "the values of one template, handed on",
  "src/http/middleware/request-id.ts: writeHead(...parameters)": "what Node gives one function, handed to another",
  "src/providers/catalog.ts: file.createError(...errors)": "one for each provider of the operator's file",
  "src/logging/redaction/secret-forms.ts: forms.push(...base64Forms(head, bytes, skipped))":
    "two, one for each alphabet",
  "src/redis/liveness.ts: duplicate(...parameters)": "the arguments of one call, handed on",
  "src/redis/preflight.ts: findings.errors.push(...written.errors)": "one sentence at most",
  "src/redis/preflight.ts: findings.waitReasons.push(...written.waitReasons)": "one sentence at most",
  "src/responses/reading/queue-states.ts: Math.max(...inOrder.map((each) => by_class[each].oldest_waiting_ms ?? -1))":
    "the classes of a queue, six",
  "src/redis/script.ts: commands[name]!(...keysAndArgs)": "lists among them are arguments of their own",
  "src/store/embedding-cache.ts: this.#redis.hmgetBuffer(...page)": "MAX_READ at most",
  "src/store/search-index/stored-index.ts: this.#redis.hmget(...ids)": "FILES_PER_READ at most",
  "src/store/search-index/stored-index.ts: this.#redis.hmgetBuffer(...fields)":
    "two for each block of a read, of which there are few",
  "workers/tools/code-interpreter/interpreter/realm-globals.ts: call(...values)":
    "the guest's own arguments of a timer",
  "workers/tools/code-interpreter/interpreter/realm-globals.ts: String.fromCharCode(...bytes.subarray(at, at + CHUNK))":
    "cut to CHUNK",
};

/** Lists of the record's fields: about thirty, and the ten of a run's facts. */
const UNPACKED = [
  "src/store/write-record.ts: unpack(args, fields + ${FIXED_FIELD_COUNT})",
  "src/stream/log/append-scripts.ts: unpack(ARGV, 9, 8 + facts)",
];

const SOURCES = globSync(["src/**/*.ts", "workers/**/*.ts"]).map((file) => ({
  file,
  text: readFileSync(file, "utf8"),
}));

function spreadsIn({ file, text }: (typeof SOURCES)[number]): string[] {
  const found: string[] = [];
  const look = ({ callee, arguments: given }: CallExpression | NewExpression): void => {
    const name = text.slice(callee.start, callee.end);
    // `f.apply(this, list)` spreads too.
    if (/\bapply$/.test(name)) found.push(`${file}: ${name}`);
    for (const each of given) {
      if (each.type === "SpreadElement") found.push(`${file}: ${name}(${text.slice(each.start, each.end)})`);
    }
  };
  new Visitor({ CallExpression: look, NewExpression: look }).visit(parseSync(file, text).program);
  return found;
}

test("no call spreads a list of unbounded data", () => {
  expect(SOURCES.length).toBeGreaterThan(100);
  const found = SOURCES.flatMap(spreadsIn);
  expect(found.filter((spread) => ALLOWED[spread] === undefined)).toEqual([]);
  expect(Object.keys(ALLOWED).filter((spread) => !found.includes(spread))).toEqual([]);
});

test("no Redis script unpacks a list of unbounded data", () => {
  const found = SOURCES.flatMap(({ file, text }) =>
    [...text.matchAll(/\bunpack\((?:KEYS|ARGV|[a-z]+)\b[^()]*\)/g)].map(([call]) => `${file}: ${call}`),
  );
  expect(found.filter((call) => /KEYS|ARGV/.test(call) || call.includes("store/")).toSorted()).toEqual(UNPACKED);
});
