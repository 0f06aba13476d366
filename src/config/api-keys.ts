/** API_KEYS and API_KEYS_FILE: clients' keys, kept as hashes. Errors name a key by its position and never contain it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfigurationError } from "./configuration-error.ts";

const LOOPBACK = new Set(["127.0.0.1", "localhost", "::1", "[::1]"]);
const KEY_MIN_LENGTH = 16;

/** A project and the SHA-256 of one of its keys. The key itself is not stored. */
export interface ApiKey {
  project: string;
  hash: Buffer;
}

/** The keys of the variable, then those of the file. Throws a ConfigurationError. */
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

/** A key with what the checks need. Errors name it by `position`. */
interface ApiKeyEntry extends ApiKey {
  position: string;
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
  // An empty list would admit everyone, which is never the intent of a set variable.
  if (entries.length === 0) throw new ConfigurationError(`${setting}: contains no key.`);
  return entries.map((entry, i) => {
    const position = `${setting}: entry ${i + 1}`;
    const match = /^([A-Za-z0-9_-]+):(\S+)$/.exec(entry);
    if (match === null) throw new ConfigurationError(`${position} is not of the form project:key.`);
    return { project: match[1]!, hash: hashApiKey(match[2]!), position, length: match[2]!.length };
  });
}

/** A key belongs to one project, and is long enough if other machines can try to guess it. */
function checkApiKeys(entries: readonly ApiKeyEntry[], host: string): void {
  const entryByHash = new Map<string, ApiKeyEntry>();
  for (const entry of entries) {
    const same = entryByHash.get(entry.hash.toString("hex"));
    if (same !== undefined && same.project !== entry.project) {
      throw new ConfigurationError(
        `${entry.position} has the key of another project (${same.position}). Give each project its own key.`,
      );
    }
    entryByHash.set(entry.hash.toString("hex"), entry);
    if (entry.length < KEY_MIN_LENGTH && !LOOPBACK.has(host)) {
      throw new ConfigurationError(
        `${entry.position} has a key of fewer than ${KEY_MIN_LENGTH} characters. Anyone who reaches ${host} could guess it. Set a longer key, or HOST=127.0.0.1.`,
      );
    }
  }
}

export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
