/** robots.txt of the sites that a response's calls open, RFC 9309. Each is asked for once in a response. */
import robotsParser from "robots-parser";
import { GuardedFetchError } from "../../net/errors.ts";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import { USER_AGENT } from "./user-agent.ts";

/** The least that RFC 9309 §2.5 wants to be read. */
const MAXIMUM_BYTES = 500 * 1024;
const SITES_MAXIMUM = 200;

interface Rules {
  isDisallowed(url: string, agent: string): boolean | undefined;
}
/** The module is the function itself; its types say that it is the module's default. */
const parseRobots = robotsParser as unknown as (url: string, text: string) => Rules;

const NO_RULES: Rules = { isDisallowed: () => false };
/** RFC 9309 §2.3.1.4: of a site that cannot say what it allows, nothing is opened. */
const CLOSED: Rules = { isDisallowed: () => true };

export class Robots {
  readonly #fetch: GuardedFetch;
  readonly #timeoutMs: number;
  readonly #sites = new Map<string, Promise<Rules>>();

  constructor(fetch: GuardedFetch, timeoutMs: number) {
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with the signal's reason, and with nothing else. */
  async allows(url: string, signal: AbortSignal): Promise<boolean> {
    const { origin } = new URL(url);
    let rules = this.#sites.get(origin);
    if (rules === undefined) {
      rules = this.#read(`${origin}/robots.txt`, signal);
      if (this.#sites.size < SITES_MAXIMUM) this.#sites.set(origin, rules);
    }
    return (await rules).isDisallowed(url, USER_AGENT) !== true;
  }

  async #read(url: string, signal: AbortSignal): Promise<Rules> {
    try {
      const options = {
        signal,
        maxBytes: MAXIMUM_BYTES,
        timeoutMs: this.#timeoutMs,
        headers: { "user-agent": USER_AGENT },
      };
      const { status, body } = await this.#fetch.read(url, options);
      if (status >= 500) return CLOSED;
      if (status >= 400) return NO_RULES;
      return parseRobots(url, new TextDecoder().decode(body));
    } catch (error) {
      if (error instanceof GuardedFetchError) return CLOSED;
      throw error;
    }
  }
}
