/**
 * Which responses providers run in their own background for responses of ours. One is entered before anything of it is
 * read, and leaves when it is done with: cancelled if need be, and deleted. So nothing goes on at a provider's cost
 * because the worker that began it is dead, and a response of ours that was deleted does not hide it.
 *
 * One sorted set with equal scores, whose members are `<response id> <provider> <the provider's id>`.
 */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export interface UpstreamResponse {
  /** Ours. */
  responseId: string;
  /** By its name in the configuration. */
  provider: string;
  /** The provider's. */
  id: string;
}

/** Sorts directly behind the space. */
const AFTER_SPACE = "!";

export class UpstreamResponses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async add(entry: UpstreamResponse): Promise<void> {
    await this.#redis.zadd(this.#layout.upstreamResponses, 0, memberOf(entry));
  }

  async remove(entry: UpstreamResponse): Promise<void> {
    await this.#redis.zrem(this.#layout.upstreamResponses, memberOf(entry));
  }

  async of(responseId: string): Promise<UpstreamResponse[]> {
    const key = this.#layout.upstreamResponses;
    const members = await this.#redis.zrangebylex(key, `[${responseId} `, `(${responseId}${AFTER_SPACE}`);
    return members.map(entryOf);
  }

  /** In order, behind `after`; from the first if that is undefined. */
  async list(after: UpstreamResponse | undefined, count: number): Promise<UpstreamResponse[]> {
    const from = after === undefined ? "-" : `(${memberOf(after)}`;
    const members = await this.#redis.zrangebylex(this.#layout.upstreamResponses, from, "+", "LIMIT", 0, count);
    return members.map(entryOf);
  }
}

function memberOf({ responseId, provider, id }: UpstreamResponse): string {
  return `${responseId} ${provider} ${id}`;
}

/** Neither our ids nor the names of providers have a space in them. */
function entryOf(member: string): UpstreamResponse {
  const [responseId, provider, ...id] = member.split(" ");
  return { responseId: responseId!, provider: provider!, id: id.join(" ") };
}
