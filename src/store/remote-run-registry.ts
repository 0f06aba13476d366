/**
 * Which responses providers run in their own background for responses of ours. One is entered before anything of it is
 * read, and leaves when it is done with: cancelled if need be, and deleted. So nothing goes on at a provider's cost
 * because the worker that began it is dead, and a response of ours that was deleted does not hide it.
 *
 * One sorted set with equal scores, whose members are `<response id> <provider> <the provider's id>`.
 */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export interface RemoteRunEntry {
  /** Ours. */
  responseId: string;
  /** By its name in the configuration. */
  provider: string;
  /** The provider's. */
  id: string;
}

/** Sorts directly behind the space. */
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

  /** In order, behind `after`; from the first if that is undefined. */
  async list(after: RemoteRunEntry | undefined, count: number): Promise<RemoteRunEntry[]> {
    const from = after === undefined ? "-" : `(${formatMember(after)}`;
    const members = await this.#redis.zrangebylex(this.#layout.remoteRunRegistry, from, "+", "LIMIT", 0, count);
    return members.map(parseMember);
  }
}

function formatMember({ responseId, provider, id }: RemoteRunEntry): string {
  return `${responseId} ${provider} ${id}`;
}

/** Neither our ids nor the names of providers have a space in them. */
function parseMember(member: string): RemoteRunEntry {
  const [responseId, provider, ...id] = member.split(" ");
  return { responseId: responseId!, provider: provider!, id: id.join(" ") };
}
