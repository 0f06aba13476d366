/**
 * All remote runs. A worker adds a remote run before it reads its stream, and removes it after cancelling (if needed) and
 * deleting it at the provider. If the worker crashes, or our response is deleted, the sweeper still finds the run and stops
 * its costs.
 *
 * One sorted set with equal scores. Members: `<response id> <provider> <the provider's id>`.
 */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export interface RemoteRunEntry {
  /** Our response. */
  responseId: string;
  /** The provider's name in the configuration. */
  provider: string;
  /** The provider's id of the run. */
  id: string;
}

/** The character after the space in byte order. */
const SUCCESSOR_OF_SPACE = "!";

export class RemoteRunRegistry {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async add(entry: RemoteRunEntry): Promise<void> {
    await this.#redis.zadd(this.#layout.remoteRunRegistry, 0, formatMember(entry));
  }

  async remove(entry: RemoteRunEntry): Promise<void> {
    await this.#redis.zrem(this.#layout.remoteRunRegistry, formatMember(entry));
  }

  async listOfResponse(responseId: string): Promise<RemoteRunEntry[]> {
    const key = this.#layout.remoteRunRegistry;
    const members = await this.#redis.zrangebylex(key, `[${responseId} `, `(${responseId}${SUCCESSOR_OF_SPACE}`);
    return members.map(parseMember);
  }

  /** In order, after `after` or from the start. */
  async list(after: RemoteRunEntry | undefined, count: number): Promise<RemoteRunEntry[]> {
    const from = after === undefined ? "-" : `(${formatMember(after)}`;
    const members = await this.#redis.zrangebylex(this.#layout.remoteRunRegistry, from, "+", "LIMIT", 0, count);
    return members.map(parseMember);
  }
}

function formatMember({ responseId, provider, id }: RemoteRunEntry): string {
  return `${responseId} ${provider} ${id}`;
}

/** Our ids and provider names contain no spaces. */
function parseMember(member: string): RemoteRunEntry {
  const [responseId, provider, ...id] = member.split(" ");
  return { responseId: responseId!, provider: provider!, id: id.join(" ") };
}
