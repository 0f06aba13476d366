/**
 * Dependencies point one way (ARCHITECTURE.md, "Rooms"). A test in addition to the lint rule, so that no change weakens
 * it unnoticed: the table below is the architecture.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

/** The rooms, each above those that it may import: no two rooms import each other. A single file may be a room. */
const ROOMS: Record<string, readonly string[]> = {
  "src/client": [],
  "src/package-folder.ts": [],
  "src/concurrency": [],
  "src/logging": [],
  "src/protocol": [],
  "src/redis": [],
  "src/config": ["src/package-folder.ts", "src/protocol", "src/redis"],
  "src/blobs": ["src/config"],
  "src/context-window": ["src/concurrency", "src/protocol"],
  "src/console": [],
  "src/lifecycle": ["src/protocol"],
  "src/sealing": ["src/redis"],
  "src/console/page": ["src/protocol", "src/lifecycle"],
  "src/process": ["src/config"],
  "src/queue": ["src/protocol", "src/redis", "src/lifecycle"],
  "src/store": ["src/concurrency", "src/protocol", "src/redis", "src/lifecycle"],
  "src/knowledge": ["src/concurrency", "src/protocol", "src/context-window", "src/store"],
  "src/telemetry": ["src/protocol"],
  "src/stream/log": ["src/concurrency", "src/protocol", "src/redis", "src/lifecycle", "src/telemetry"],
  "workers/confinement": [],
  "workers/documents": ["src/concurrency", "src/config", "workers/confinement"],
  "workers/net": ["src/config"],
  "src/stream/fan-out": ["src/protocol", "src/redis", "src/telemetry", "src/stream/log"],
  "src/providers": ["src/logging", "src/protocol", "src/redis", "src/config", "src/telemetry"],
  "src/embeddings": [
    "src/concurrency",
    "src/logging",
    "src/protocol",
    "src/config",
    "src/context-window",
    "src/lifecycle",
    "src/store",
    "src/telemetry",
    "src/providers",
  ],
  "workers/upstreams": ["src/protocol", "src/context-window", "src/lifecycle", "src/providers"],
  "src/local": ["src/client", "src/package-folder.ts", "src/logging", "src/redis", "src/config", "src/providers"],
  "src/prompts": ["src/protocol", "src/config", "src/lifecycle", "src/providers"],
  "workers/upstreams/fallback": ["src/providers", "workers/upstreams"],
  "workers/upstreams/http": [
    "src/logging",
    "src/protocol",
    "src/config",
    "src/lifecycle",
    "src/telemetry",
    "src/providers",
    "workers/upstreams",
  ],
  "workers/upstreams/simulator": ["src/protocol", "src/context-window", "workers/upstreams"],
  "workers/upstreams/ai-sdk": [
    "src/protocol",
    "src/config",
    "src/context-window",
    "src/lifecycle",
    "src/providers",
    "workers/upstreams",
    "workers/upstreams/http",
  ],
  "workers/upstreams/openai-responses": [
    "src/logging",
    "src/protocol",
    "src/config",
    "src/lifecycle",
    "src/providers",
    "workers/upstreams",
    "workers/upstreams/http",
  ],
  "workers/upstreams/registry.ts": [
    "src/config",
    "src/providers",
    "workers/upstreams",
    "workers/upstreams/fallback",
    "workers/upstreams/simulator",
    "workers/upstreams/ai-sdk",
    "workers/upstreams/openai-responses",
  ],
  "src/telemetry/metrics": ["src/protocol", "src/telemetry"],
  "src/telemetry/tracing": ["src/protocol", "src/config", "src/telemetry", "src/providers"],
  "src/webhooks": ["src/protocol", "src/redis", "src/config", "src/sealing", "src/queue", "src/store", "src/telemetry"],
  "src/responses": ["src/redis", "src/sealing", "src/queue", "src/store", "src/stream/log", "src/webhooks"],
  "src/files": ["src/blobs", "src/protocol", "src/lifecycle", "src/store", "src/responses"],
  "src/context": [
    "src/logging",
    "src/redis",
    "src/config",
    "src/sealing",
    "src/queue",
    "src/store",
    "src/stream/log",
    "src/responses",
  ],
  "src/responses/content": [
    "src/concurrency",
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/sealing",
    "src/responses",
  ],
  "src/responses/reading": [
    "src/concurrency",
    "src/protocol",
    "src/lifecycle",
    "src/queue",
    "src/store",
    "src/stream/log",
    "src/responses",
  ],
  "src/responses/conversations": [
    "src/concurrency",
    "src/protocol",
    "src/redis",
    "src/lifecycle",
    "src/store",
    "src/stream/log",
    "src/responses",
    "src/responses/content",
    "src/responses/reading",
  ],
  "workers/attempt": [
    "src/protocol",
    "src/redis",
    "src/lifecycle",
    "src/store",
    "src/telemetry",
    "src/stream/log",
    "src/responses",
  ],
  "src/responses/ending": [
    "src/concurrency",
    "src/protocol",
    "src/redis",
    "src/lifecycle",
    "src/store",
    "src/telemetry",
    "src/stream/log",
    "src/responses",
    "src/responses/reading",
    "src/responses/conversations",
  ],
  "workers/input-files": [
    "src/protocol",
    "src/blobs",
    "src/lifecycle",
    "src/store",
    "workers/net",
    "src/providers",
    "workers/upstreams",
    "src/responses/conversations",
    "src/files",
    "workers/documents",
  ],
  "workers/tools": [
    "src/protocol",
    "src/redis",
    "src/config",
    "src/context-window",
    "src/store",
    "workers/documents",
    "workers/upstreams",
    "src/responses",
    "src/responses/conversations",
    "workers/attempt",
  ],
  "src/responses/admission": [
    "src/concurrency",
    "src/protocol",
    "src/redis",
    "src/config",
    "src/context-window",
    "src/lifecycle",
    "src/queue",
    "src/store",
    "src/telemetry",
    "src/stream/log",
    "src/providers",
    "src/prompts",
    "src/responses",
    "src/responses/content",
    "src/responses/reading",
    "src/responses/conversations",
    "src/responses/ending",
  ],
  "workers/tools/code-interpreter": [
    "src/concurrency",
    "src/protocol",
    "src/config",
    "src/store",
    "workers/confinement",
    "workers/upstreams",
    "workers/tools",
  ],
  "workers/tools/file-search": ["workers/tools"],
  "workers/tools/image-generation": [
    "src/logging",
    "src/protocol",
    "src/config",
    "src/store",
    "src/telemetry",
    "workers/net",
    "src/providers",
    "workers/upstreams",
    "workers/tools",
  ],
  "workers/tools/mcp": [
    "src/logging",
    "src/protocol",
    "src/config",
    "src/store",
    "src/telemetry",
    "workers/net",
    "src/providers",
    "workers/upstreams",
    "workers/tools",
  ],
  "workers/tools/web-search": [
    "src/concurrency",
    "src/protocol",
    "src/config",
    "src/telemetry",
    "workers/documents",
    "workers/net",
    "src/providers",
    "workers/tools",
  ],
  "workers/turn/citations": ["src/protocol", "workers/upstreams", "workers/tools"],
  "src/context.ts": [
    "src/redis",
    "src/config",
    "src/blobs",
    "src/queue",
    "src/store",
    "src/knowledge",
    "src/telemetry",
    "src/stream/log",
    "src/stream/fan-out",
    "src/providers",
    "src/embeddings",
    "src/prompts",
    "src/responses",
    "src/context",
    "src/responses/reading",
    "src/responses/admission",
  ],
  "src/http/middleware": [
    "src/concurrency",
    "src/protocol",
    "src/redis",
    "src/config",
    "src/blobs",
    "src/lifecycle",
    "src/store",
    "src/telemetry",
    "src/responses",
    "src/responses/admission",
  ],
  "workers/tools/registry.ts": [
    "src/protocol",
    "src/config",
    "workers/documents",
    "workers/tools",
    "workers/tools/code-interpreter",
    "workers/tools/file-search",
    "workers/tools/image-generation",
    "workers/tools/mcp",
    "workers/tools/web-search",
  ],
  "workers/turn": [
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/store",
    "src/telemetry",
    "src/providers",
    "workers/upstreams",
    "src/responses",
    "workers/attempt",
    "workers/tools",
    "workers/turn/citations",
  ],
  "src/http/replies": [
    "src/protocol",
    "src/lifecycle",
    "src/store",
    "src/stream/log",
    "src/stream/fan-out",
    "src/responses/ending",
    "src/responses/admission",
    "src/context.ts",
    "src/http/middleware",
  ],
  "src/http/multipart": ["src/lifecycle", "src/http/middleware"],
  "src/http/server": ["src/lifecycle", "src/http/middleware"],
  "src/http/validation": [
    "src/concurrency",
    "src/protocol",
    "src/config",
    "src/lifecycle",
    "src/providers",
    "src/http/middleware",
  ],
  "workers/remote": [
    "src/protocol",
    "src/store",
    "workers/upstreams",
    "workers/upstreams/registry.ts",
    "src/responses",
    "workers/attempt",
    "workers/turn",
  ],
  "workers/turn/context": [
    "src/protocol",
    "src/context-window",
    "src/lifecycle",
    "src/sealing",
    "src/store",
    "workers/upstreams",
    "src/responses",
    "src/responses/content",
    "workers/attempt",
    "workers/tools",
    "workers/turn",
  ],
  "src/http/resources": [
    "src/protocol",
    "src/config",
    "src/lifecycle",
    "src/store",
    "src/responses",
    "src/responses/content",
    "src/responses/reading",
    "src/responses/conversations",
    "src/responses/admission",
    "src/context.ts",
    "src/http/middleware",
    "src/http/replies",
    "src/http/multipart",
    "src/http/validation",
  ],
  "src/openapi": [
    "src/protocol",
    "src/config",
    "src/lifecycle",
    "src/stream/log",
    "src/stream/fan-out",
    "src/providers",
    "src/http/middleware",
    "src/http/validation",
  ],
  "workers/run/loop": [
    "src/protocol",
    "src/lifecycle",
    "src/store",
    "src/telemetry",
    "src/providers",
    "workers/upstreams",
    "src/responses",
    "src/responses/content",
    "src/responses/conversations",
    "workers/attempt",
    "workers/tools",
    "workers/turn/citations",
    "workers/tools/registry.ts",
    "workers/turn",
    "workers/remote",
    "workers/turn/context",
  ],
  "src/http/endpoints": [
    "src/package-folder.ts",
    "src/concurrency",
    "src/protocol",
    "src/redis",
    "src/config",
    "src/blobs",
    "src/context-window",
    "src/console",
    "src/lifecycle",
    "src/queue",
    "src/store",
    "src/stream/log",
    "src/stream/fan-out",
    "src/providers",
    "src/embeddings",
    "src/telemetry/metrics",
    "src/responses",
    "src/responses/content",
    "src/responses/reading",
    "src/responses/conversations",
    "src/responses/ending",
    "src/responses/admission",
    "src/files",
    "src/context.ts",
    "src/http/replies",
    "src/http/multipart",
    "src/http/validation",
    "src/http/resources",
  ],
  "workers/run": [
    "src/protocol",
    "src/redis",
    "src/lifecycle",
    "src/sealing",
    "src/queue",
    "src/telemetry",
    "src/stream/log",
    "src/providers",
    "workers/upstreams",
    "workers/upstreams/registry.ts",
    "src/responses",
    "src/responses/reading",
    "src/responses/conversations",
    "workers/attempt",
    "src/responses/ending",
    "workers/input-files",
    "workers/turn",
    "workers/turn/context",
    "workers/run/loop",
  ],
  "src/app.ts": [
    "src/config",
    "src/telemetry/metrics",
    "src/responses/reading",
    "src/context.ts",
    "src/http/middleware",
    "src/openapi",
    "src/http/endpoints",
  ],
  "src/worker-health-app.ts": ["src/telemetry/metrics", "src/http/middleware", "src/http/endpoints"],
  "src/open-metrics.ts": [
    "src/config",
    "src/providers",
    "src/telemetry/metrics",
    "src/responses/reading",
    "src/context.ts",
  ],
  "src/metrics-app.ts": ["src/telemetry/metrics", "src/http/middleware", "src/http/endpoints"],
  "src/cli": ["src/client", "src/protocol", "src/config", "src/providers", "src/local", "src/prompts", "src/context"],
  src: [
    "src/logging",
    "src/config",
    "src/process",
    "src/telemetry",
    "src/providers",
    "src/telemetry/metrics",
    "src/telemetry/tracing",
    "src/context.ts",
    "src/http/server",
    "src/app.ts",
    "src/open-metrics.ts",
    "src/metrics-app.ts",
  ],
  "workers/webhooks": ["src/redis", "src/config", "src/queue", "workers/net", "src/webhooks"],
  "workers/jobs": [
    "src/concurrency",
    "src/logging",
    "src/protocol",
    "src/redis",
    "src/config",
    "src/process",
    "src/queue",
    "src/store",
    "src/telemetry",
    "src/stream/log",
    "workers/net",
    "src/providers",
    "workers/upstreams/registry.ts",
    "src/telemetry/tracing",
    "src/responses",
    "src/responses/conversations",
    "workers/attempt",
    "src/responses/ending",
    "src/responses/admission",
    "src/context.ts",
    "workers/documents",
    "workers/input-files",
    "workers/tools/registry.ts",
    "workers/remote",
    "workers/run",
    "workers/webhooks",
  ],
  workers: [
    "src/logging",
    "src/config",
    "src/process",
    "src/telemetry",
    "src/providers",
    "src/telemetry/tracing",
    "src/files",
    "src/context.ts",
    "src/worker-health-app.ts",
    "src/open-metrics.ts",
    "workers/jobs",
  ],
};

/** The rooms that may use each restricted library. */
const LIBRARIES: Record<string, readonly string[]> = {
  express: ["src/app.ts", "src/metrics-app.ts", "src/worker-health-app.ts", "src/http/"],
  bullmq: [
    "src/queue/",
    "workers/jobs/response-worker.ts",
    "workers/jobs/fair-queue.ts",
    "workers/jobs/webhook-worker.ts",
  ],
  standardwebhooks: ["src/webhooks/"],
  ioredis: ["src/redis/", "src/local/redis/query-server.ts"],
  "@modelcontextprotocol/sdk": ["workers/tools/mcp/", "src/local/demo/research/almanac.ts"],
  openai: [
    "workers/upstreams/",
    "workers/tools/image-generation/",
    "src/providers/input-token-counters.ts",
    "src/providers/openai-client.ts",
    "src/embeddings/providers/",
    "src/cli/",
    "src/local/demo.ts",
    "src/local/research-demo.ts",
    "src/local/demo/research/",
  ],
  commander: ["src/cli/main.ts"],
  "gpt-tokenizer": ["src/context-window/tokenizer.ts"],
  "@ai-sdk": ["src/embeddings/providers/", "workers/upstreams/ai-sdk/", "workers/tools/image-generation/"],
  // Only the page is for browsers.
  preact: ["src/console/page/"],
  "@preact/signals": ["src/console/page/"],
  htm: ["src/console/page/"],
  dompurify: ["src/console/page/"],
  "markdown-it": ["src/console/page/"],
  undici: ["workers/upstreams/http/", "workers/net/"],
  "@fastify/busboy": ["src/http/multipart/"],
  "@aws-sdk": ["src/blobs/s3-blobs.ts"],
  marked: ["src/http/endpoints/docs/"],
  yaml: ["src/config/settings-file.ts"],
  jsdom: ["workers/documents/html/"],
  "@mozilla/readability": ["workers/documents/html/"],
  chardet: ["workers/documents/"],
  "file-type": ["src/files/content-type.ts", "workers/documents/"],
  unpdf: ["workers/documents/formats/"],
  mammoth: ["workers/documents/formats/"],
  fflate: ["workers/documents/formats/"],
  saxes: ["workers/documents/formats/"],
  papaparse: ["workers/documents/formats/"],
  "robots-parser": ["workers/tools/web-search/"],
  "@bull-board/api": ["src/queue/"],
  "@bull-board/express": ["src/http/endpoints/queue-board.ts"],
  "prom-client": ["src/telemetry/metrics/"],
  "@opentelemetry": ["src/telemetry/tracing/"],
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
  const rooms = Object.keys(ROOMS).filter((room) => file === room || file.startsWith(`${room}/`));
  return rooms.reduce((longest, room) => (room.length > longest.length ? room : longest), "");
}

test("every file is in a room", () => {
  expect(files.filter((file) => roomOf(file) === "")).toEqual([]);
});

test("each room is listed below the rooms that it imports", () => {
  const order = Object.keys(ROOMS);
  const upward = Object.entries(ROOMS).flatMap(([room, imported]) =>
    imported.filter((each) => order.indexOf(each) >= order.indexOf(room) || !order.includes(each)),
  );
  expect(upward).toEqual([]);
});

test("rooms use every import that they may make", () => {
  const used = new Set(
    imports
      .filter(({ target }) => target.startsWith("."))
      .map(({ file, target }) => `${roomOf(file)} > ${roomOf(normalize(join(dirname(file), target)))}`),
  );
  const allowed = Object.entries(ROOMS).flatMap(([room, imported]) => imported.map((each) => `${room} > ${each}`));
  expect(allowed.filter((each) => !used.has(each))).toEqual([]);
});

test("rooms import only rooms below them", () => {
  const illegal = imports.filter(({ file, target }) => {
    if (!target.startsWith(".")) return false;
    const from = roomOf(file);
    const to = roomOf(normalize(join(dirname(file), target)));
    return from !== to && !ROOMS[from]!.includes(to);
  });
  expect(illegal).toEqual([]);
});

/** Rules about ids belong to the contract of upstreams too: a log may not use one id twice. */
const TURN_CONTRACTS = [
  "workers/tools/tool-items.ts",
  "workers/tools/tool.ts",
  "workers/upstreams/replayed-item-id.ts",
  "workers/upstreams/upstream.ts",
];

test("a turn sees only the contracts of tools and upstreams", () => {
  const targets = imports
    .filter(({ file, target }) => file.startsWith("workers/turn/") && target.startsWith("."))
    .map(({ file, target }) => normalize(join(dirname(file), target)))
    .filter((target) => /^workers\/(?:tools|upstreams)\//.test(target));
  expect([...new Set(targets)].toSorted()).toEqual(TURN_CONTRACTS);
});

test("the wire imports only zod", () => {
  const outside = imports.filter(({ file, target }) => file.startsWith("src/protocol/") && !target.startsWith("."));
  expect(new Set(outside.map(({ target }) => target))).toEqual(new Set(["zod"]));
});

test("the client imports only what browsers have", () => {
  const outside = imports.filter(({ file, target }) => file.startsWith("src/client/") && !target.startsWith("."));
  expect(new Set(outside.map(({ target }) => target))).toEqual(new Set(["eventsource-parser"]));
});

test("no endpoint imports another endpoint", () => {
  const folder = "src/http/endpoints/";
  /** A file, or a folder whose files serve one resource. */
  const endpointOf = (file: string): string | undefined =>
    file.startsWith(folder) ? file.slice(folder.length).split("/")[0] : undefined;
  const between = imports.filter(({ file, target }) => {
    const from = endpointOf(file);
    const to = target.startsWith(".") ? endpointOf(normalize(join(dirname(file), target))) : undefined;
    return from !== undefined && to !== undefined && from !== to;
  });
  expect(between).toEqual([]);
});

/** The files that each file imports, types included. */
const graph = new Map(
  files.map((file) => [
    file,
    imports
      .filter((each) => each.file === file && each.target.startsWith("."))
      .map(({ target }) => normalize(join(dirname(file), target))),
  ]),
);

/** The shortest way from a file back to itself, if there is one. */
function findCircle(start: string): string[] | undefined {
  const paths = [[start]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const next of graph.get(path.at(-1)!) ?? []) {
      if (next === start) return [...path, start];
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return undefined;
}

test("no files import each other in a circle, not even for a type", () => {
  expect(files.flatMap((file) => findCircle(file)?.join(" > ") ?? [])).toEqual([]);
});

test.each(Object.entries(LIBRARIES))("%s is imported only where allowed", (library, rooms) => {
  const strays = imports.filter(
    ({ file, target }) =>
      (target === library || target.startsWith(`${library}/`)) && !rooms.some((room) => file.startsWith(room)),
  );
  expect(strays).toEqual([]);
});

test("only src/config/config.ts and the entry files read the environment", () => {
  const readers = files.filter((file) => /process\.env\b/.test(readFileSync(file, "utf8")));
  expect(
    readers.filter(
      (file) =>
        ![
          "src/config/config.ts",
          "src/cli/main.ts",
          "src/local/run-everything.ts",
          "src/local/demo.ts",
          "src/local/research-demo.ts",
        ].includes(file),
    ),
  ).toEqual([]);
});
