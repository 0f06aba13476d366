/** Lua scripts as typed functions. ioredis sends EVALSHA and falls back to EVAL. */
import type { Cluster, Redis } from "ioredis";

export type RedisClient = Redis | Cluster;
/** A list passes its entries as arguments. It is never spread into a call: 100,000 entries do not fit on the stack. */
export type ScriptArgument = string | number | readonly (string | number | Buffer)[];

type Command = (...keysAndArgs: ScriptArgument[]) => Promise<unknown>;

const definedOn = new WeakMap<RedisClient, Set<string>>();

/**
 * A full Redis rejects a script whose first write could use memory. A script that stops further spending, ends a
 * response or frees memory must run anyway: it adds little, or less than it will free.
 */
export interface ScriptOptions {
  runsWhenFull?: boolean;
}

/** Redis 7 and Valkey support this flag. */
const RUNS_WHEN_FULL = "#!lua flags=allow-oom\n";

/**
 * `name` must be unique in the process; `keys` is the script's number of KEYS. With `any`, the caller passes that
 * number before the keys.
 */
export function defineScript<Reply>(name: string, keys: number | "any", body: string, options: ScriptOptions = {}) {
  const lua = options.runsWhenFull === true ? `${RUNS_WHEN_FULL}${body}` : body;
  return (redis: RedisClient, ...keysAndArgs: ScriptArgument[]): Promise<Reply> => {
    const defined = definedOn.get(redis) ?? new Set<string>();
    if (!defined.has(name)) {
      redis.defineCommand(name, keys === "any" ? { lua } : { lua, numberOfKeys: keys });
      definedOn.set(redis, defined.add(name));
    }
    const commands = redis as unknown as Record<string, Command>;
    // ioredis flattens lists among the arguments.
    return commands[name]!(...keysAndArgs) as Promise<Reply>;
  };
}
