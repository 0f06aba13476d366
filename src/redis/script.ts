/** Lua scripts as typed functions. ioredis sends EVALSHA and falls back to EVAL by itself. */
import type { Cluster, Redis } from "ioredis";

export type RedisClient = Redis | Cluster;
/** A list stands for its entries. It is never spread into a call: one of 100,000 does not fit on the stack. */
export type ScriptArgument = string | number | readonly (string | number)[];

type Command = (...keysAndArgs: ScriptArgument[]) => Promise<unknown>;

const definedOn = new WeakMap<RedisClient, Set<string>>();

/**
 * Redis refuses a script's first write that could take memory when it is full. A script that stops spending, ends a
 * response or gives memory back must run all the same: what it adds is little, or bounded by what it will free.
 */
export interface ScriptOptions {
  runsWhenFull?: boolean;
}

/** Redis 7 and Valkey read it. */
const RUNS_WHEN_FULL = "#!lua flags=allow-oom\n";

/**
 * `name` must be unique in the process; `keys` is how many KEYS the script takes. One that takes as many as it is given
 * has `any`, and is called with their number before them.
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
    // ioredis flattens lists that stand among the arguments.
    return commands[name]!(...keysAndArgs) as Promise<Reply>;
  };
}
