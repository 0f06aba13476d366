/** The projects that admins create. Those of the environment are not stored here. */
import { z } from "zod";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

/** Maximum projects, archived ones included. */
export const MAX_PROJECTS = 1_000;

/** Times are Unix seconds. */
const storedProjectSchema = z.object({
  name: z.string(),
  created_at: z.number(),
  archived_at: z.number().optional(),
});
export type StoredProject = z.infer<typeof storedProjectSchema>;
export type ProjectEntry = StoredProject & { id: string };

/*
 * KEYS  projects
 * ARGV  id, project, maximum number
 * Returns 1, or 0 if there are too many.
 */
const createScript = defineScript<0 | 1>(
  "createProject",
  1,
  `
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  return 1
`,
);

/*
 * KEYS  projects
 * ARGV  id, name
 * Returns the project, or nil if it is unknown or archived.
 */
const renameScript = defineScript<string | null>(
  "renameProject",
  1,
  `
  local project = redis.call('HGET', KEYS[1], ARGV[1])
  if not project then return nil end
  project = cjson.decode(project)
  if project.archived_at then return nil end
  project.name = ARGV[2]
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(project))
  return cjson.encode(project)
`,
);

/*
 * KEYS  projects, keys of the project, keys by hash
 * ARGV  id, Unix seconds
 * Returns the project, or nil if it is unknown. Its keys stay listed and open nothing from now on.
 */
const archiveScript = defineScript<string | null>(
  "archiveProject",
  3,
  `
  local project = redis.call('HGET', KEYS[1], ARGV[1])
  if not project then return nil end
  project = cjson.decode(project)
  for _, key in ipairs(redis.call('HVALS', KEYS[2])) do redis.call('HDEL', KEYS[3], cjson.decode(key).hash) end
  if not project.archived_at then
    project.archived_at = tonumber(ARGV[2])
    redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(project))
  end
  return cjson.encode(project)
`,
  { runsWhenFull: true },
);

export class Projects {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** False if there are `MAX_PROJECTS` already. */
  async create(id: string, project: StoredProject): Promise<boolean> {
    const { projects } = this.#layout.organization;
    return (await createScript(this.#redis, projects, id, JSON.stringify(project), MAX_PROJECTS)) === 1;
  }

  /** All, in any order. */
  async list(): Promise<ProjectEntry[]> {
    const all = await this.#redis.hgetall(this.#layout.organization.projects);
    return Object.entries(all).map(([id, json]) => ({ id, ...parseProject(json) }));
  }

  async read(id: string): Promise<ProjectEntry | undefined> {
    return toEntry(id, await this.#redis.hget(this.#layout.organization.projects, id));
  }

  /** Undefined if the project is unknown or archived. */
  async rename(id: string, name: string): Promise<ProjectEntry | undefined> {
    return toEntry(id, await renameScript(this.#redis, this.#layout.organization.projects, id, name));
  }

  /** Also closes the project's keys. Undefined if the project is unknown. */
  async archive(id: string, archivedAt: number): Promise<ProjectEntry | undefined> {
    const { projects, keysOf, keyHashes } = this.#layout.organization;
    return toEntry(id, await archiveScript(this.#redis, projects, keysOf(id), keyHashes, id, archivedAt));
  }
}

function toEntry(id: string, json: string | null): ProjectEntry | undefined {
  return json === null ? undefined : { id, ...parseProject(json) };
}

function parseProject(json: string): StoredProject {
  return storedProjectSchema.parse(JSON.parse(json));
}
