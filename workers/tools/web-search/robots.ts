/** robots.txt of the sites that a response's calls open, RFC 9309. Each is asked for once in a response. */
import { GuardedFetchError } from "../../net/errors.ts";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import type { PageExtraction } from "./page-extraction.ts";
import { USER_AGENT } from "./user-agent.ts";

/** The least that RFC 9309 §2.5 wants to be read. */
const MAXIMUM_BYTES = 500 * 1024;
const SITES_MAXIMUM = 200;

/** What a site allows: by its robots.txt, or, without one to read, everything or nothing. */
type Rules = { text: string } | "open" | "closed";

export class Robots {
  readonly #fetch: GuardedFetch;
  readonly #extraction: PageExtraction;
  readonly #project: string;
  readonly #timeoutMs: number;
  readonly #sites = new Map<string, Promise<Rules>>();

  constructor(fetch: GuardedFetch, extraction: PageExtraction, project: string, timeoutMs: number) {
    this.#fetch = fetch;
    this.#extraction = extraction;
    this.#project = project;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with an ExtractionError for rules that cost too much to read, or with the signal's reason. */
  async allows(url: string, signal: AbortSignal): Promise<boolean> {
    const { origin } = new URL(url);
    const source = `${origin}/robots.txt`;
    let reading = this.#sites.get(origin);
    if (reading === undefined) {
      reading = this.#read(source, signal);
      if (this.#sites.size < SITES_MAXIMUM) this.#sites.set(origin, reading);
    }
    const rules = await reading;
    if (typeof rules === "string") return rules === "open";
    const question = { source, text: rules.text, url, agent: USER_AGENT };
    return await this.#extraction.isOpen(this.#project, question, signal);
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
      // RFC 9309 §2.3.1.4: of a site that cannot say what it allows, nothing is opened.
      if (status >= 500) return "closed";
      if (status >= 400) return "open";
      const text = new TextDecoder().decode(body);
      return text.trim() === "" ? "open" : { text };
    } catch (error) {
      if (error instanceof GuardedFetchError) return "closed";
      throw error;
    }
  }
}
