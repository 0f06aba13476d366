/** Applies the robots.txt of sites (RFC 9309). Each file is read once per response. */
import { GuardedFetchError, TooManyRedirectsError } from "../../../net/errors.ts";
import type { GuardedFetch } from "../../../net/guarded-fetch.ts";
import { describeFailure } from "../describe-failure.ts";
import type { RobotsEvaluator } from "./robots-evaluator.ts";
import { USER_AGENT } from "../user-agent.ts";

/** The minimum that RFC 9309 §2.5 requires crawlers to read. */
const MAX_BYTES = 500 * 1024;
const MAX_SITES = 200;

/** `rules`: the site's robots.txt. `open`: it has none. `unreadable`: it could not be read, so no page is opened. */
type SiteRules = { kind: "rules"; text: string } | { kind: "open" } | { kind: "unreadable"; reason: string };

const DISALLOWED = "The site's robots.txt does not allow access to this page.";

export class RobotsPolicy {
  readonly #fetch: GuardedFetch;
  readonly #evaluator: RobotsEvaluator;
  readonly #project: string;
  readonly #timeoutMs: number;
  readonly #sites = new Map<string, Promise<SiteRules>>();

  constructor(fetch: GuardedFetch, evaluator: RobotsEvaluator, project: string, timeoutMs: number) {
    this.#fetch = fetch;
    this.#evaluator = evaluator;
    this.#project = project;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Returns a sentence for the model if the URL may not be opened. Rejects with a RobotsError for rules that take
   * too long to evaluate, or with the signal's reason.
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
    if (rules.kind === "open") return undefined;
    if (rules.kind === "unreadable") {
      // The next call may succeed.
      this.#sites.delete(origin);
      return rules.reason;
    }
    const question = { source, text: rules.text, url, agent: USER_AGENT };
    return (await this.#evaluator.isAllowed(this.#project, question, signal)) ? undefined : DISALLOWED;
  }

  async #read(url: string, signal: AbortSignal): Promise<SiteRules> {
    try {
      const options = {
        signal,
        maxBytes: MAX_BYTES,
        // §2.5: rules after the limit are ignored.
        truncates: true,
        timeoutMs: this.#timeoutMs,
        headers: { "user-agent": USER_AGENT },
      };
      const { status, body } = await this.#fetch.read(url, options);
      if (status >= 500) return { kind: "unreadable", reason: describeUnreadable(status) };
      if (status >= 400) return { kind: "open" };
      const text = new TextDecoder().decode(body);
      return text.trim() === "" ? { kind: "open" } : { kind: "rules", text };
    } catch (error) {
      // §2.3.1.2: too many redirects count as a missing file.
      if (error instanceof TooManyRedirectsError) return { kind: "open" };
      // The page has the same server. Its failure tells the model more than a rule that could not be read.
      if (error instanceof GuardedFetchError) return { kind: "unreadable", reason: describeFailure(error) };
      throw error;
    }
  }
}

/** §2.3.1.4: if robots.txt cannot be read, no page of the site may be opened. */
function describeUnreadable(status: number): string {
  return `The site's robots.txt could not be read (its server answered with status ${status}), so the page was not opened. It may be available later. Another site may have the same content.`;
}
