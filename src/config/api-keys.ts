/** The keys that let clients in: read, checked, and kept as hashes. Errors name a key by its place. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfigurationError } from "./configuration-error.ts";

const LOOPBACK = new Set(["127.0.0.1", "localhost", "::1", "[::1]"]);
const KEY_MIN_LENGTH = 16;

/** A project and the SHA-256 of one of its keys. The key itself is not kept. */
export interface ApiKey {
  project: string;
  hash: Buffer;
}

/** Those of the variable, then those of the file. */
export function readApiKeys(keys: string | undefined, file: string | undefined, host: string): ApiKey[] {
  const entries = [...parseApiKeys(keys, "API_KEYS"), ...parseApiKeys(readKeysFile(file), "API_KEYS_FILE")];
  checkApiKeys(entries, host);
  return entries.map(({ project, hash }) => ({ project, hash }));
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

function readKeysFile(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`API_KEYS_FILE: cannot read ${path}.`, { cause: error });
  }
}

/** A key as it was set. `place` is how an error names it, since it must not repeat it. */
interface ApiKeyEntry extends ApiKey {
  place: string;
  length: number;
}

/** `project:key` pairs, separated by commas or lines. In a file, lines that begin with `#` are comments. */
function parseApiKeys(source: string | undefined, setting: string): ApiKeyEntry[] {
  if (source === undefined) return [];
  const entries = source
    .split("\n")
    .filter((line) => !line.trim().startsWith("#"))
    .flatMap((line) => line.split(","))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  // Without keys everyone would be let in, and nobody sets what is to have no effect.
  if (entries.length === 0) throw new ConfigurationError(`${setting}: there is no key in it.`);
  return entries.map((entry, i) => {
    const place = `${setting}: entry ${i + 1}`;
    const match = /^([A-Za-z0-9_-]+):(\S+)$/.exec(entry);
    if (match === null) throw new ConfigurationError(`${place} is not of the form project:key.`);
    return { project: match[1]!, hash: hashApiKey(match[2]!), place, length: match[2]!.length };
  });
}

/** A key opens one project, and cannot be guessed where strangers can try. */
function checkApiKeys(entries: readonly ApiKeyEntry[], host: string): void {
  const known = new Map<string, ApiKeyEntry>();
  for (const entry of entries) {
    const same = known.get(entry.hash.toString("hex"));
    if (same !== undefined && same.project !== entry.project) {
      throw new ConfigurationError(`${entry.place} has the key of another project (${same.place}). Give each its own.`);
    }
    known.set(entry.hash.toString("hex"), entry);
    if (entry.length < KEY_MIN_LENGTH && !LOOPBACK.has(host)) {
      throw new ConfigurationError(
        `${entry.place} has a key of fewer than ${KEY_MIN_LENGTH} characters, which strangers who reach ${host} could guess. Set a longer one, or HOST=127.0.0.1.`,
      );
    }
  }
}

export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
