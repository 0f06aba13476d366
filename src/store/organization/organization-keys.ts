/**
 * The keys that admins create, and the service accounts that own them. A key is shown once and stored as its SHA-256. A
 * request looks its key up by this hash, so that a new key works and a deleted one stops at once on every process.
 */
import { z } from "zod";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import type { Clock } from "../../redis/redis-clock.ts";
import { KeyUses } from "./key-uses.ts";
import { parseEntries } from "./stored-entries.ts";

/** Maximum keys and service accounts of one project. */
export const MAX_KEYS_PER_PROJECT = 100;

/** Times are Unix seconds. */
const storedKeySchema = z.object({
  account: z.string(),
  name: z.string(),
  created_at: z.number(),
  expires_at: z.number().optional(),
  /** SHA-256 in hex. */
  hash: z.string(),
  /** Both ends of the key. */
  redacted: z.string(),
  last_used_at: z.number().optional(),
});
export type StoredKey = z.infer<typeof storedKeySchema>;
export type KeyEntry = StoredKey & { id: string };

const storedAccountSchema = z.object({
  name: z.string(),
  created_at: z.number(),
  role: z.enum(["member", "owner"]),
});
export type StoredAccount = z.infer<typeof storedAccountSchema>;
export type AccountEntry = StoredAccount & { id: string };

const ownerSchema = z.object({ project: z.string(), id: z.string(), expires_at: z.number().optional() });

/** For scripts that add to a project: whether it exists and is active. A project of the environment always is. */
const IS_ACTIVE_LUA = `
  local function isActive(projects, id, isOfEnvironment)
    if isOfEnvironment == '1' then return true end
    local project = redis.call('HGET', projects, id)
    return project and not cjson.decode(project).archived_at
  end
`;

/*
 * KEYS  projects, accounts of the project
 * ARGV  project, '1' if the environment has it, account id, account, maximum number
 * Returns 'created', 'unknown' (no such active project) or 'full'.
 */
const createAccountScript = defineScript<"created" | "unknown" | "full">(
  "createServiceAccount",
  2,
  `${IS_ACTIVE_LUA}
  if not isActive(KEYS[1], ARGV[1], ARGV[2]) then return 'unknown' end
  if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[5]) then return 'full' end
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  return 'created'
`,
);

/*
 * KEYS  accounts of the project
 * ARGV  account id, name or '', role or ''
 * Returns the account, or nil if it is unknown.
 */
const updateAccountScript = defineScript<string | null>(
  "updateServiceAccount",
  1,
  `
  local account = redis.call('HGET', KEYS[1], ARGV[1])
  if not account then return nil end
  account = cjson.decode(account)
  if ARGV[2] ~= '' then account.name = ARGV[2] end
  if ARGV[3] ~= '' then account.role = ARGV[3] end
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(account))
  return cjson.encode(account)
`,
);

/*
 * KEYS  projects, accounts of the project, keys of the project, keys by hash
 * ARGV  project, '1' if the environment has it, account id, key id, key, hash, owner by hash, maximum number
 * Returns 'created', 'unknown' (no such active project or account) or 'full'.
 */
const createKeyScript = defineScript<"created" | "unknown" | "full">(
  "createProjectKey",
  4,
  `${IS_ACTIVE_LUA}
  if not isActive(KEYS[1], ARGV[1], ARGV[2]) then return 'unknown' end
  if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 0 then return 'unknown' end
  if redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[8]) then return 'full' end
  redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
  redis.call('HSET', KEYS[4], ARGV[6], ARGV[7])
  return 'created'
`,
);

/*
 * KEYS  keys of the project, keys by hash
 * ARGV  key id
 * Returns 1, or 0 if the key is unknown.
 */
const deleteKeyScript = defineScript<0 | 1>(
  "deleteProjectKey",
  2,
  `
  local key = redis.call('HGET', KEYS[1], ARGV[1])
  if not key then return 0 end
  redis.call('HDEL', KEYS[2], cjson.decode(key).hash)
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  accounts of the project, keys of the project, keys by hash
 * ARGV  account id
 * Returns nil if the account is unknown, else the ids of its keys, which are deleted with it.
 */
const deleteAccountScript = defineScript<string[] | null>(
  "deleteServiceAccount",
  3,
  `
  if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return nil end
  local deleted = {}
  local keys = redis.call('HGETALL', KEYS[2])
  for i = 1, #keys, 2 do
    local key = cjson.decode(keys[i + 1])
    if key.account == ARGV[1] then
      redis.call('HDEL', KEYS[3], key.hash)
      redis.call('HDEL', KEYS[2], keys[i])
      deleted[#deleted + 1] = keys[i]
    end
  end
  return deleted
`,
  { runsWhenFull: true },
);

/** A project, and whether the environment names it. */
export interface ProjectReference {
  id: string;
  isOfEnvironment: boolean;
}

const environmentFlag = ({ isOfEnvironment }: ProjectReference): string => (isOfEnvironment ? "1" : "");

export class OrganizationKeys {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #uses: KeyUses;

  constructor(redis: RedisClient, layout: RedisLayout, clock: Pick<Clock, "nowMs">) {
    this.#redis = redis;
    this.#layout = layout;
    this.#clock = clock;
    this.#uses = new KeyUses(redis, layout);
  }

  /** The owner of the key with this SHA-256. Undefined if there is none, or if the key has expired. */
  async find(hash: Buffer): Promise<{ project: string; keyId: string } | undefined> {
    const json = await this.#redis.hget(this.#layout.organization.keyHashes, hash.toString("hex"));
    if (json === null) return undefined;
    const { project, id, expires_at: expiresAt } = ownerSchema.parse(JSON.parse(json));
    if (expiresAt !== undefined && expiresAt * 1000 <= this.#clock.nowMs()) return undefined;
    this.#uses.note(project, id, this.#clock.nowMs());
    return { project, keyId: id };
  }

  async createAccount(
    project: ProjectReference,
    id: string,
    account: StoredAccount,
  ): Promise<"created" | "unknown" | "full"> {
    const { projects, accountsOf } = this.#layout.organization;
    const args = [project.id, environmentFlag(project), id, JSON.stringify(account), MAX_KEYS_PER_PROJECT];
    return await createAccountScript(this.#redis, projects, accountsOf(project.id), args);
  }

  /** All of a project, in any order. */
  async listAccounts(project: string): Promise<AccountEntry[]> {
    const all = await this.#redis.hgetall(this.#layout.organization.accountsOf(project));
    return parseEntries(storedAccountSchema, all);
  }

  /** Undefined if the account is unknown. */
  async updateAccount(
    project: string,
    id: string,
    { name = "", role = "" }: { name?: string | undefined; role?: StoredAccount["role"] | "" | undefined },
  ): Promise<AccountEntry | undefined> {
    const json = await updateAccountScript(this.#redis, this.#layout.organization.accountsOf(project), id, name, role);
    return json === null ? undefined : parseEntries(storedAccountSchema, { [id]: json })[0];
  }

  /** Deletes the account with its keys. Returns their ids, or undefined if the account is unknown. */
  async deleteAccount(project: string, id: string): Promise<string[] | undefined> {
    const { accountsOf, keysOf, keyHashes } = this.#layout.organization;
    return (await deleteAccountScript(this.#redis, accountsOf(project), keysOf(project), keyHashes, id)) ?? undefined;
  }

  async createKey(project: ProjectReference, id: string, key: StoredKey): Promise<"created" | "unknown" | "full"> {
    const { projects, accountsOf, keysOf, keyHashes } = this.#layout.organization;
    const owner = { project: project.id, id, expires_at: key.expires_at };
    const keys = [projects, accountsOf(project.id), keysOf(project.id), keyHashes];
    const stored = [JSON.stringify(key), key.hash, JSON.stringify(owner), MAX_KEYS_PER_PROJECT];
    return await createKeyScript(this.#redis, keys, project.id, environmentFlag(project), key.account, id, stored);
  }

  /** All of a project, in any order. */
  async listKeys(project: string): Promise<KeyEntry[]> {
    return parseEntries(storedKeySchema, await this.#redis.hgetall(this.#layout.organization.keysOf(project)));
  }

  /** False if the key is unknown. */
  async deleteKey(project: string, id: string): Promise<boolean> {
    const { keysOf, keyHashes } = this.#layout.organization;
    return (await deleteKeyScript(this.#redis, keysOf(project), keyHashes, id)) === 1;
  }
}
