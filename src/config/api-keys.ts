/**
 * API_KEYS, ADMIN_KEYS and their files: the keys of clients and admins, kept as hashes. Errors name a key by its position
 * and never contain it.
 */
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

/** An admin's name and the SHA-256 of one of its keys. */
export interface AdminKey {
  name: string;
  hash: Buffer;
}

interface KeySources {
  keys: string | undefined;
  file: string | undefined;
}

/** Of each kind the keys of the variable, then those of the file. Throws a ConfigurationError. */
export function readKeys(
  api: KeySources,
  admin: KeySources,
  host: string,
): { apiKeys: ApiKey[]; adminKeys: AdminKey[] } {
  const ofProjects = readSources(api, "API_KEYS", "project");
  const ofAdmins = readSources(admin, "ADMIN_KEYS", "name");
  checkKeys([...ofProjects, ...ofAdmins], host);
  return {
    apiKeys: ofProjects.map(({ owner, hash }) => ({ project: owner, hash })),
    adminKeys: ofAdmins.map(({ owner, hash }) => ({ name: owner, hash })),
  };
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

type OwnerKind = "project" | "name";

function readSources({ keys, file }: KeySources, setting: string, kind: OwnerKind): KeyEntry[] {
  const ofFile = readKeysFile(file, `${setting}_FILE`);
  return [...parseKeys(keys, setting, kind), ...parseKeys(ofFile, `${setting}_FILE`, kind)];
}

function readKeysFile(path: string | undefined, setting: string): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`${setting}: cannot read ${path}.`, { cause: error });
  }
}

/** A key with what the checks need. Errors name it by `position`. */
interface KeyEntry {
  kind: OwnerKind;
  /** The name of its project or of its admin. */
  owner: string;
  hash: Buffer;
  position: string;
  length: number;
}

/** `owner:key` pairs, separated by commas or lines. In a file, lines that begin with `#` are comments. */
function parseKeys(source: string | undefined, setting: string, kind: OwnerKind): KeyEntry[] {
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
    if (match === null) throw new ConfigurationError(`${position} is not of the form ${kind}:key.`);
    return { kind, owner: match[1]!, hash: hashApiKey(match[2]!), position, length: match[2]!.length };
  });
}

/** A key belongs to one project or admin, and is long enough if other machines can try to guess it. */
function checkKeys(entries: readonly KeyEntry[], host: string): void {
  const entryByHash = new Map<string, KeyEntry>();
  for (const entry of entries) {
    const same = entryByHash.get(entry.hash.toString("hex"));
    if (same !== undefined) checkOwners(same, entry);
    entryByHash.set(entry.hash.toString("hex"), entry);
    if (entry.length < KEY_MIN_LENGTH && !LOOPBACK.has(host)) {
      throw new ConfigurationError(
        `${entry.position} has a key of fewer than ${KEY_MIN_LENGTH} characters. Anyone who reaches ${host} could guess it. Set a longer key, or HOST=127.0.0.1.`,
      );
    }
  }
}

function checkOwners(first: KeyEntry, second: KeyEntry): void {
  if (first.kind !== second.kind) {
    throw new ConfigurationError(
      `${second.position} has the key of a project (${first.position}). Give each admin a key that no project has.`,
    );
  }
  if (first.owner === second.owner) return;
  const noun = first.kind === "project" ? "project" : "admin";
  throw new ConfigurationError(
    `${second.position} has the key of another ${noun} (${first.position}). Give each ${noun} its own key.`,
  );
}

export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** The SHA-256 of a token that is long enough if other machines can try to guess it. Throws a ConfigurationError. */
export function hashToken(setting: string, token: string | undefined, host: string): Buffer | undefined {
  if (token === undefined) return undefined;
  if (token.length < KEY_MIN_LENGTH && !LOOPBACK.has(host)) {
    throw new ConfigurationError(
      `${setting} has fewer than ${KEY_MIN_LENGTH} characters. Anyone who reaches ${host} could guess it. Set a longer token, or HOST=127.0.0.1.`,
    );
  }
  return hashApiKey(token);
}
