/** robots.txt of the sites that a response's calls open, RFC 9309. Each is asked for once in a response. */
import { GuardedFetchError, TooManyRedirectsError } from "../../net/errors.ts";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import { describeFailure } from "./describe-failure.ts";
import type { PageExtractor } from "./page-extraction/page-extraction.ts";
import { USER_AGENT } from "./user-agent.ts";

/** The least that RFC 9309 §2.5 wants to be read. */
const MAX_BYTES = 500 * 1024;
const MAX_SITES = 200;

/** What a site allows: by its robots.txt, or, without one to read, everything, or nothing and why. */
type SiteRules = { text: string } | "open" | { refusal: string };

const DISALLOWED = "The site's robots.txt does not allow this page to be opened.";

export class RobotsPolicy {
  readonly #fetch: GuardedFetch;
  readonly #extraction: PageExtractor;
  readonly #project: string;
  readonly #timeoutMs: number;
  readonly #sites = new Map<string, Promise<SiteRules>>();

  constructor(fetch: GuardedFetch, extraction: PageExtractor, project: string, timeoutMs: number) {
    this.#fetch = fetch;
    this.#extraction = extraction;
    this.#project = project;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Why the URL is not to be opened, in words for the model; undefined if it may be. Rejects with an ExtractionError for
   * rules that cost too much to read, or with the signal's reason.
   */
  async findRejection(url: string, signal: AbortSignal): Promise<string | undefined> {
    const { origin } = new URL(url);
    const source = `${origin}/robots.txt`;
    let reading = this.#sites.get(origin);
    if (reading === undefined) {
      reading = this.#read(source, signal);
      if (this.#sites.size < MAX_SITES) this.#sites.set(origin, reading);
    }
    const rules = await reading.catch((error: unknown) => {
      this.#sites.delete(origin);
      throw error;
    });
    if (rules === "open") return undefined;
    if ("refusal" in rules) {
      // It may be there the next time.
      this.#sites.delete(origin);
      return rules.refusal;
    }
    const question = { source, text: rules.text, url, agent: USER_AGENT };
    return (await this.#extraction.isAllowedByRobots(this.#project, question, signal)) ? undefined : DISALLOWED;
  }

  async #read(url: string, signal: AbortSignal): Promise<SiteRules> {
    try {
      const options = {
        signal,
        maxBytes: MAX_BYTES,
        // §2.5: what is beyond the limit is left out, and what is before it counts.
        truncates: true,
        timeoutMs: this.#timeoutMs,
        headers: { "user-agent": USER_AGENT },
      };
      const { status, body } = await this.#fetch.read(url, options);
      if (status >= 500) return { refusal: describeUnreadable(`its server answered with status ${status}`) };
      if (status >= 400) return "open";
      const text = new TextDecoder().decode(body);
      return text.trim() === "" ? "open" : { text };
    } catch (error) {
      // §2.3.1.2: it may be taken for one that is not there.
      if (error instanceof TooManyRedirectsError) return "open";
      // The page's own server is the same: the model is told what is wrong with it, and not of a rule that nobody has read.
      if (error instanceof GuardedFetchError) return { refusal: describeFailure(error) };
      throw error;
    }
  }
}

/** §2.3.1.4: of a site that cannot say what it allows, nothing is opened. */
function describeUnreadable(reason: string): string {
  return `The site's robots.txt could not be read (${reason}), so the page was not opened. It may work later; other sites may say the same.`;
}
