/** The documents of the repository that are served, and their addresses. Only files that exist at the start are known. */
import { globSync } from "node:fs";
import { dirname, posix } from "node:path";
import { PACKAGE_FOLDER } from "../../../package-folder.ts";

/** A path from the server's root, without the first slash. */
export type Address = string;

export const INDEX: Address = "docs";
export const API_REFERENCE: Address = "docs/api";

/** Each group in reading order. `docs/decisions/` is a group of its own. Documents that no group names come last. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Start: ["README.md", "docs/getting-started.md"],
  Use: [
    "models",
    "vendor-traits",
    "simulator",
    "tools",
    "documents",
    "research-runs",
    "webhooks",
    "conversations",
    "clients",
    "cli",
    "console",
    "api-differences",
  ].map(guide),
  Operate: [
    "configuration",
    "operations",
    "administration",
    "operations/metrics",
    "tracing",
    "redis",
    "troubleshooting",
    "limits",
    "security",
  ].map(guide),
  Understand: ["ARCHITECTURE.md", guide("contract"), guide("glossary"), "CONTRIBUTING.md", "CHANGELOG.md"],
};

export interface DocumentGroup {
  title: string;
  files: string[];
}

export class Documents {
  readonly groups: readonly DocumentGroup[];
  /** The addresses of documents and images, by path in the repository. */
  readonly #addresses: ReadonlyMap<string, Address>;
  /** An image's address is its path. */
  readonly #images: ReadonlySet<string>;

  constructor(root = PACKAGE_FOLDER) {
    const documents = globSync(["{README,ARCHITECTURE,CONTRIBUTING,CHANGELOG}.md", "docs/**/*.md"], { cwd: root });
    const images = globSync("docs/**/*.{svg,png,gif,jpg,webp}", { cwd: root });
    this.#addresses = new Map([...documents, ...images].map((file) => [file, addressFor(file)]));
    this.#images = new Set(images);
    this.groups = groupsOf(documents.toSorted());
  }

  addressOf(file: string): Address | undefined {
    return this.#addresses.get(file);
  }

  imageAt(address: Address): string | undefined {
    return this.#images.has(address) ? address : undefined;
  }
}

function guide(name: string): string {
  return `docs/${name}.md`;
}

/** `docs/clients.md` → `docs/clients`, `docs/decisions/README.md` → `docs/decisions`, `README.md` → `docs/readme`. */
function addressFor(file: string): Address {
  if (!file.endsWith(".md")) return file;
  const name = file.slice(0, -".md".length);
  if (!file.startsWith("docs/")) return `docs/${name.toLowerCase()}`;
  return posix.basename(name) === "README" ? dirname(name) : name;
}

function groupsOf(files: readonly string[]): DocumentGroup[] {
  const decisions = files.filter((file) => file.startsWith("docs/decisions/"));
  const isIndex = (file: string): boolean => file.endsWith("/README.md");
  const named = Object.entries(GROUPS).map(([title, each]) => ({
    title,
    files: each.filter((file) => files.includes(file)),
  }));
  const grouped = new Set([...decisions, ...named.flatMap((group) => group.files)]);
  const groups = [
    ...named,
    { title: "Decisions", files: [...decisions.filter(isIndex), ...decisions.filter((file) => !isIndex(file))] },
    { title: "More", files: files.filter((file) => !grouped.has(file)) },
  ];
  return groups.filter((group) => group.files.length > 0);
}

/** The link from one page to another. It works behind a proxy's path. */
export function relativeAddress(from: Address, to: Address): string {
  return posix.join(posix.relative(posix.dirname(from), posix.dirname(to)), posix.basename(to));
}
