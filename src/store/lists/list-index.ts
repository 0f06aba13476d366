/** The index of a list of objects (list-scripts.ts): adds, removes and pages. */
import { hash } from "node:crypto";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import { LIST_LUA, listKeys } from "./list-scripts.ts";
import { type ListPosition, readListChunk } from "./page-script.ts";

/** Ids that one call examines when an entry decides about each: less than a millisecond of Redis. */
const EXAMINED_PER_CALL = 500;
const GROWTH = 4;
/** Projects that one call searches. */
const PROJECTS_PER_CALL = 16;
const TRIM_COUNT = 200;
/** Rounds of a sweep per project. The next sweep continues. */
const MAX_TRIM_ROUNDS = 50;
const DIGEST_LENGTH = 20;
/** No later step lists a deleted object again. */
const FINAL_REVISION = Number.MAX_SAFE_INTEGER;

/*
 * KEYS  root, entries
 * ARGV  project, id, creation time, revision, tokens, expiry
 */
const enlistScript = defineScript<null>(
  "enlistObject",
  2,
  `${LIST_LUA}
  enlist(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
`,
  // Small, and part of ending a turn of a conversation that is not listed yet.
  { runsWhenFull: true },
);

/*
 * KEYS  root, entries
 * ARGV  project, id, expiry
 * Returns 1, or 0 if the index lacks the object.
 */
const setExpiryScript = defineScript<0 | 1>(
  "setListedExpiry",
  2,
  `${LIST_LUA}
  local expiries = listKey(KEYS[1], 'expiries', ARGV[1])
  if not redis.call('ZSCORE', expiries, ARGV[2]) then return 0 end
  redis.call('ZADD', expiries, ARGV[3], ARGV[2])
  return 1
`,
  // It changes a score, and the end of a conversation's turn needs it.
  { runsWhenFull: true },
);

/*
 * KEYS  root, entries
 * ARGV  project, id, '1' to keep its position for lists that continue after it
 */
const removeScript = defineScript<null>(
  "removeListed",
  2,
  `${LIST_LUA}
  if ARGV[3] == '1' then
    delist(KEYS[1], ARGV[1], ARGV[2], '${FINAL_REVISION}')
  else
    forget(KEYS[1], ARGV[1], ARGV[2])
  end
`,
  { runsWhenFull: true },
);

/*
 * KEYS  root, entries
 * ARGV  id, project…
 * Returns the creation time of the object, or '' if no project has it.
 */
const findPositionScript = defineScript<string>(
  "findListPosition",
  2,
  `${LIST_LUA}
  for i = 2, #ARGV do
    local entry = redis.call('HGET', listKey(KEYS[1], 'entries', ARGV[i]), ARGV[1])
    if entry then
      local createdAtMs = splitEntry(entry)
      return createdAtMs
    end
  end
  return ''
`,
);

/*
 * KEYS  root, entries
 * ARGV  project, count
 * Returns 1 if more has expired. Forgets a project without entries.
 */
const trimScript = defineScript<0 | 1>(
  "trimList",
  2,
  `${LIST_LUA}
  local removed = trimList(KEYS[1], ARGV[1], ARGV[2])
  if redis.call('EXISTS', listKey(KEYS[1], 'entries', ARGV[1])) == 0 then
    redis.call('SREM', KEYS[1] .. ':projects', ARGV[1])
  end
  return removed >= tonumber(ARGV[2]) and 1 or 0
`,
  { runsWhenFull: true },
);

export interface Listing {
  createdAtMs: number;
  tokens: readonly string[];
  /** A listing never replaces one with a higher revision. */
  revision: number;
  /** Undefined without an expiry. */
  expiresAtMs: number | undefined;
}

export interface ListSearch {
  /** The project, or all. */
  project: string | undefined;
  /** Each a set of alternative tokens; an object matches if it has one of every set. */
  filters: readonly (readonly string[])[];
  order: "asc" | "desc";
  /** Exclusive bounds in the direction of the order. */
  start?: ListPosition | undefined;
  stop?: ListPosition | undefined;
}

export function compareInList(order: "asc" | "desc", a: ListPosition, b: ListPosition): number {
  const ascending = a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return order === "asc" ? ascending : -ascending;
}

/** A token for any text of a client, such as a model. */
export function digestToken(kind: string, ...text: readonly string[]): string {
  const digest = hash("sha256", JSON.stringify(text), "hex");
  return `${kind}-${digest.slice(0, DIGEST_LENGTH)}`;
}

export function metadataTokens(metadata: Readonly<Record<string, string>>): string[] {
  return Object.entries(metadata).map(([key, value]) => digestToken("metadata", key, value));
}

export class ListIndex {
  readonly #redis: RedisClient;
  readonly #root: string;
  readonly #projectSets: string[];

  /** `openProjects`: the key of a set with every project that has open ids, in the slot of the root. */
  constructor(redis: RedisClient, root: string, openProjects?: string) {
    this.#redis = redis;
    this.#root = root;
    this.#projectSets = [`${root}:projects`, ...(openProjects === undefined ? [] : [openProjects])];
  }

  async add(project: string, id: string, { createdAtMs, tokens, revision, expiresAtMs }: Listing): Promise<void> {
    const text = ["all", ...tokens].join(" ");
    await enlistScript(
      this.#redis,
      listKeys(this.#root, project),
      project,
      id,
      createdAtMs,
      revision,
      text,
      expiresAtMs ?? "+inf",
    );
  }

  /** False if the index lacks the object. */
  async setExpiry(project: string, id: string, expiresAtMs: number | undefined): Promise<boolean> {
    return (
      (await setExpiryScript(this.#redis, listKeys(this.#root, project), project, id, expiresAtMs ?? "+inf")) === 1
    );
  }

  /** Removes a deleted object. A list may still continue after it. */
  async remove(project: string, id: string): Promise<void> {
    await removeScript(this.#redis, listKeys(this.#root, project), project, id, "1");
  }

  /** Removes an object that no client knows. */
  async forget(project: string, id: string): Promise<void> {
    await removeScript(this.#redis, listKeys(this.#root, project), project, id, "0");
  }

  /** Where an object is, or was until it was removed. Undefined if the project does not have it. */
  async findPosition(project: string | undefined, id: string): Promise<ListPosition | undefined> {
    for (const projects of await this.#groupProjects(project)) {
      const createdAtMs = await findPositionScript(this.#redis, listKeys(this.#root, projects[0]!), id, projects);
      if (createdAtMs !== "") return { id, createdAtMs: Number(createdAtMs) };
    }
    return undefined;
  }

  /** The next `count` positions in order, or fewer if no more follow. */
  async find(search: ListSearch, count: number): Promise<ListPosition[]> {
    let found: ListPosition[] = [];
    for (const projects of await this.#groupProjects(search.project)) {
      found = found.concat(await this.#findOfProjects(projects, search, count));
    }
    return found.toSorted((a, b) => compareInList(search.order, a, b)).slice(0, count);
  }

  async #findOfProjects(projects: readonly string[], search: ListSearch, count: number): Promise<ListPosition[]> {
    const { filters, order, stop } = search;
    const maxPerSet = Math.ceil(EXAMINED_PER_CALL / projects.length);
    let found: ListPosition[] = [];
    let start = search.start;
    // Most pages are full after the first call.
    for (let perSet = Math.min(count, maxPerSet); ; perSet = Math.min(perSet * GROWTH, maxPerSet)) {
      const scan = { projects, filters, order, start, stop };
      const chunk = await readListChunk(this.#redis, this.#root, scan, count - found.length, perSet);
      found = found.concat(chunk.found);
      start = chunk.next;
      if (start === undefined || found.length >= count) return found;
    }
  }

  async listProjects(): Promise<string[]> {
    return await this.#redis.sunion(this.#projectSets);
  }

  /** Removes what has expired, of every project. */
  async trim(): Promise<void> {
    for (const project of await this.listProjects()) {
      for (let round = 0; round < MAX_TRIM_ROUNDS; round += 1) {
        if ((await trimScript(this.#redis, listKeys(this.#root, project), project, TRIM_COUNT)) === 0) break;
      }
    }
  }

  async #groupProjects(project: string | undefined): Promise<string[][]> {
    const projects = project === undefined ? await this.listProjects() : [project];
    const groups = Math.ceil(projects.length / PROJECTS_PER_CALL);
    return Array.from({ length: groups }, (_, i) => projects.slice(i * PROJECTS_PER_CALL, (i + 1) * PROJECTS_PER_CALL));
  }
}
