/**
 * The files of the console, by address. The page's own modules are TypeScript, which browsers cannot run: their types
 * are removed when the first request arrives. Libraries are served as their packages ship them. Nothing is bundled and
 * nothing comes from another origin.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { removeTypes } from "./remove-types.ts";
import { type ConsolePage, renderPage } from "./render-page.ts";

export interface ConsoleFile {
  type: "text/javascript" | "text/css" | "image/svg+xml";
  body: string;
}

export interface Console {
  page: ConsolePage;
  /** By address, from the server's root and without the first slash. */
  files: ReadonlyMap<string, ConsoleFile>;
}

const require = createRequire(import.meta.url);
const SOURCE = fileURLToPath(new URL("..", import.meta.url));
/** A published package has these modules without types, under the same names. */
const MODULE_SUFFIX = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

const MAIN = "console/page/main";
const STYLE = "console/page/console.css";
const ICON = "console/page/icon.svg";
/** Pure modules that the page shares with the server. */
const SHARED_MODULES = ["lifecycle/change-item"];

interface Library {
  /** As the page's modules import it. */
  name: string;
  /** The package's file for browsers, beside the one that `name` leads to here. */
  file: string;
  /** Files that it imports. */
  parts?: readonly string[];
  /** The library that it belongs to, where that is not this project. */
  parent?: string;
}

const LIBRARIES: readonly Library[] = [
  { name: "preact", file: "preact.mjs" },
  { name: "preact/hooks", file: "hooks.mjs" },
  { name: "@preact/signals", file: "signals.mjs" },
  { name: "@preact/signals-core", file: "signals-core.mjs", parent: "@preact/signals" },
  { name: "htm", file: "htm.mjs" },
  { name: "markdown-it/browser", file: "markdown-it.esm.min.mjs" },
  { name: "dompurify", file: "purify.es.mjs" },
  { name: "eventsource-parser", file: "index.js", parts: ["parse.js", "errors.js"] },
];

/** Throws if a file is missing, as in an incomplete installation. */
export async function openConsole(): Promise<Console> {
  const own = await readOwnFiles();
  const libraries = LIBRARIES.flatMap(readLibrary);
  const all = [...own, ...libraries.flatMap(({ files }) => files)];
  // One address per content of all files: browsers keep them for good, and never mix two versions.
  const hash = createHash("sha256");
  for (const [name, { body }] of all) hash.update(JSON.stringify([name, body]));
  const base = `console/${hash.digest("base64url").slice(0, 16)}/`;
  const page = renderPage({
    imports: Object.fromEntries(libraries.map(({ name, entry }) => [name, `./${base}${entry}`])),
    modules: all.flatMap(([name, { type }]) => (type === "text/javascript" ? [base + name] : [])),
    main: `${base}${MAIN}${MODULE_SUFFIX}`,
    style: base + STYLE,
    icon: base + ICON,
  });
  return { page, files: new Map(all.map(([name, file]) => [base + name, file])) };
}

/** Named by their paths in `src`, so that relative imports lead to them. */
async function readOwnFiles(): Promise<[string, ConsoleFile][]> {
  const inPage = readdirSync(join(SOURCE, "console/page"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(SOURCE, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .toSorted();
  const modules = [
    ...inPage.filter((name) => name.endsWith(MODULE_SUFFIX)),
    ...SHARED_MODULES.map((name) => name + MODULE_SUFFIX),
  ];
  const sources = modules.map((name) => readFileSync(join(SOURCE, name), "utf8"));
  const runnable = MODULE_SUFFIX === ".ts" ? await removeTypes(sources) : sources;
  const read = (name: string): string => readFileSync(join(SOURCE, name), "utf8");
  return [
    ...modules.map((name, i): [string, ConsoleFile] => [name, { type: "text/javascript", body: runnable[i]! }]),
    [STYLE, { type: "text/css", body: read(STYLE) }],
    [ICON, { type: "image/svg+xml", body: read(ICON) }],
  ];
}

function readLibrary({ name, file, parts = [], parent }: Library) {
  const from = parent === undefined ? require : createRequire(require.resolve(parent));
  const folder = dirname(from.resolve(name));
  const files = [file, ...parts].map((each): [string, ConsoleFile] => {
    const body = readFileSync(join(folder, each), "utf8").replace(/\n?\/\/# sourceMappingURL=\S*\s*$/, "\n");
    return [`libraries/${name}/${each}`, { type: "text/javascript", body }];
  });
  return { name, entry: `libraries/${name}/${file}`, files };
}
