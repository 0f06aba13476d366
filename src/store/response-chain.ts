/**
 * The chain of `previous_response_id`. A response stores only its nearest links, and the oldest of them stores the links
 * before it. A response therefore stores a bounded number of links, and a walk finds a thousand links in twenty steps. One
 * script reads a page of links. In Redis Cluster, two responses are in different slots, which no script may touch together:
 * there a page is one link, and the pages of a step are read concurrently.
 */
import type { StoredInputItem } from "../protocol/item.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { parseInSlices } from "../concurrency/parse-in-slices.ts";

/** Maximum links per response. A lower maximum takes more steps to walk; a higher one stores more duplicates. */
export const MAX_LINKS = 50;

/** The links of a response after `previousId`, whose own links are `nearest`. Oldest first. */
export function nearestLinksFor(nearest: readonly string[], previousId: string): string[] {
  return nearest.length >= MAX_LINKS ? [previousId] : [...nearest, previousId];
}

export interface ChainLink {
  id: string;
  /** Undefined if the response was deleted or has expired. */
  project: string | undefined;
}

/** The items of a link. Both are undefined if the response is gone. */
export interface ChainLinkItems {
  id: string;
  input: StoredInputItem[] | undefined;
  /** The terminal event as JSON. It contains the ended response. */
  lastEvent: string | undefined;
}

/** A stored request starts with its links (encoded-record.ts), which fit in this many bytes. */
const LINKS_PREFIX = '{"ancestors":';
const LINKS_MAX_BYTES = 4_096;

/*
 * KEYS  request of the first link, meta of each
 * ARGV  '1' to return the first link's own links
 * Returns {the start of the first link's request or '', then the project of each link or ''}
 */
const readLinksScript = defineScript<[front: string, ...projects: string[]]>(
  "readChainLinks",
  "any",
  `
  local links = {ARGV[1] == '1' and redis.call('GETRANGE', KEYS[1], 0, ${LINKS_MAX_BYTES - 1}) or ''}
  for i = 2, #KEYS do
    local meta = redis.call('HMGET', KEYS[i], 'project', 'deleted')
    links[i] = meta[2] == '0' and meta[1] or ''
  end
  return links
`,
);

/*
 * KEYS  input, events of each link
 * Returns {input or nil, last event as JSON or nil, … for each link}
 */
const readLinkItemsScript = defineScript<(string | null)[]>(
  "readChainTurns",
  "any",
  `
  local turns = {}
  for i = 1, #KEYS, 2 do
    turns[i] = redis.call('GET', KEYS[i])
    local entry = redis.call('XREVRANGE', KEYS[i + 1], '+', '-', 'COUNT', 1)[1]
    turns[i + 1] = entry and entry[2][2] or false
  end
  return turns
`,
);

/** Links per script. Inputs and outputs may be long, and a script blocks Redis. */
const LINKS_PER_PAGE = 25;

export class ResponseChains {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** The links that a response stores. Undefined if the response is gone. */
  async readNearest(id: string): Promise<string[] | undefined> {
    return parseNearest(await this.#redis.getrange(this.#layout.request(id), 0, LINKS_MAX_BYTES - 1));
  }

  /**
   * The whole chain, oldest first, starting from the links that a response stores. If a link is gone whose own links the
   * walk needs, the result starts with it.
   */
  async walk(nearest: readonly string[]): Promise<ChainLink[]> {
    const steps: ChainLink[][] = [];
    let ids: readonly string[] | undefined = nearest;
    while (ids !== undefined && ids.length > 0) {
      const { links, before } = await this.#readStep(ids);
      steps.push(links);
      ids = before;
    }
    return steps.toReversed().flat();
  }

  /** The links of one step, and the links that the oldest of them stores. */
  async #readStep(ids: readonly string[]): Promise<{ links: ChainLink[]; before: string[] | undefined }> {
    const { request, meta } = this.#layout;
    const pages = splitIntoPages(ids, this.#layout.sharded ? 1 : MAX_LINKS);
    const replies = await Promise.all(
      pages.map((page, i) => {
        const keys = [request(page[0]!), ...page.map(meta)];
        return readLinksScript(this.#redis, keys.length, keys, i === 0 ? "1" : "0");
      }),
    );
    const projects = replies.flatMap(([, ...found]) => found);
    const links = ids.map((id, i) => ({ id, project: projects[i] === "" ? undefined : projects[i] }));
    return { links, before: parseNearest(replies[0]![0]) };
  }

  async readLinkItems(ids: readonly string[]): Promise<ChainLinkItems[]> {
    const { input, events } = this.#layout;
    const pages = splitIntoPages(ids, this.#layout.sharded ? 1 : LINKS_PER_PAGE);
    const replies = await Promise.all(
      pages.map((page) => {
        const keys = page.flatMap((id) => [input(id), events(id)]);
        return readLinkItemsScript(this.#redis, keys.length, keys);
      }),
    );
    const values = replies.flat();
    const turns: ChainLinkItems[] = [];
    for (const [i, id] of ids.entries()) {
      const json = values[2 * i] ?? undefined;
      const input = json === undefined ? undefined : await parseInSlices<StoredInputItem[]>(json);
      turns.push({ id, input, lastEvent: values[2 * i + 1] ?? undefined });
    }
    return turns;
  }
}

function parseNearest(front: string): string[] | undefined {
  if (!front.startsWith(LINKS_PREFIX)) return undefined;
  return JSON.parse(front.slice(LINKS_PREFIX.length, front.indexOf("]") + 1)) as string[];
}

function splitIntoPages(ids: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));
}
