/**
 * Dependencies point one way (ARCHITECTURE.md, "Rooms"). A test and not only a lint rule, so that nobody weakens it in
 * passing: the table below is the architecture.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

/** What each room may import, besides itself. */
const ROOMS: Record<string, readonly string[]> = {
  "src/protocol": [],
  "src/lifecycle": ["src/protocol"],
  "src/redis": [],
  "src/turns": [],
  "src/store": ["src/protocol", "src/lifecycle", "src/redis", "src/turns"],
  "src/queue": ["src/protocol", "src/lifecycle", "src/redis"],
  "src/stream": ["src/protocol", "src/lifecycle", "src/redis", "src/turns"],
  "src/sealing": ["src/redis"],
  "src/context-window": ["src/protocol", "src/turns"],
  "src/config": ["src", "src/protocol", "src/redis"],
  "src/providers": ["src", "src/protocol", "src/config"],
  "src/prompts": ["src/config", "src/protocol", "src/lifecycle", "src/providers"],
  "src/responses": [
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/redis",
    "src/turns",
    "src/sealing",
    "src/store",
    "src/queue",
    "src/stream",
    "src/providers",
    "src/prompts",
  ],
  "src/http": [
    "src",
    "src/config",
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/redis",
    "src/turns",
    "src/store",
    "src/stream",
    "src/responses",
    "src/providers",
  ],
  "src/openapi": ["src/protocol", "src/lifecycle", "src/stream", "src/providers", "src/http"],
  src: [
    "src/config",
    "src/protocol",
    "src/http",
    "src/openapi",
    "src/responses",
    "src/sealing",
    "src/store",
    "src/queue",
    "src/stream",
    "src/redis",
    "src/providers",
    "src/prompts",
  ],
  workers: [
    "src",
    "src/config",
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/redis",
    "src/turns",
    "src/sealing",
    "src/store",
    "src/queue",
    "src/stream",
    "src/responses",
    "src/providers",
    "workers/upstreams",
  ],
  "workers/upstreams": [
    "workers",
    "src",
    "src/config",
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/providers",
  ],
};

/** Who may use a library that the architecture keeps in its place. */
const LIBRARIES: Record<string, readonly string[]> = {
  express: ["src/app.ts", "src/http/"],
  bullmq: ["src/queue/", "workers/response-worker.ts", "workers/fair-queue.ts"],
  ioredis: ["src/redis/"],
  "@modelcontextprotocol/sdk": ["workers/tools/mcp/", "src/demo/research/almanac.ts"],
  openai: [
    "workers/upstreams/",
    "workers/tools/image-generation/",
    "src/providers/input-token-counters.ts",
    "src/demo.ts",
    "src/research-demo.ts",
    "src/demo/research/",
  ],
  "gpt-tokenizer": ["src/context-window/tokenizer.ts"],
  "@ai-sdk": ["workers/upstreams/ai-sdk/", "workers/tools/image-generation/"],
  undici: ["workers/upstreams/provider/", "workers/net/"],
  yaml: ["src/config/settings-file.ts"],
  jsdom: ["workers/tools/web-search/page-extraction/"],
  "@mozilla/readability": ["workers/tools/web-search/page-extraction/"],
  "robots-parser": ["workers/tools/web-search/"],
};

interface Import {
  file: string;
  target: string;
}

const files = globSync(["src/**/*.ts", "workers/**/*.ts"]);
const imports: Import[] = files.flatMap((file) =>
  [...readFileSync(file, "utf8").matchAll(/(?:from |import |import\()"([^"]+)"/g)].map((match) => ({
    file,
    target: match[1]!,
  })),
);

/** The longest room that holds the file. */
function roomOf(file: string): string {
  const rooms = Object.keys(ROOMS).filter((room) => file.startsWith(`${room}/`));
  return rooms.reduce((longest, room) => (room.length > longest.length ? room : longest), "");
}

test("every file is in a room", () => {
  expect(files.filter((file) => roomOf(file) === "")).toEqual([]);
});

test("rooms import only what is below them", () => {
  const illegal = imports.filter(({ file, target }) => {
    if (!target.startsWith(".")) return false;
    const from = roomOf(file);
    const to = roomOf(normalize(join(dirname(file), target)));
    return from !== to && !ROOMS[from]!.includes(to);
  });
  expect(illegal).toEqual([]);
});

test("the wire imports zod and nothing else", () => {
  const outside = imports.filter(({ file, target }) => file.startsWith("src/protocol/") && !target.startsWith("."));
  expect(new Set(outside.map(({ target }) => target))).toEqual(new Set(["zod"]));
});

test.each(Object.entries(LIBRARIES))("%s stays in its place", (library, places) => {
  const strays = imports.filter(
    ({ file, target }) =>
      (target === library || target.startsWith(`${library}/`)) && !places.some((place) => file.startsWith(place)),
  );
  expect(strays).toEqual([]);
});

test("only src/config/config.ts reads the environment, and the entry files that pass it on", () => {
  const readers = files.filter((file) => /process\.env\b/.test(readFileSync(file, "utf8")));
  expect(
    readers.filter(
      (file) => !["src/config/config.ts", "src/start.ts", "src/demo.ts", "src/research-demo.ts"].includes(file),
    ),
  ).toEqual([]);
});
