export interface DomainLists {
  allowed_domains?: readonly string[] | null;
  blocked_domains?: readonly string[] | null;
}

/**
 * A request's `filters`. Each domain includes its subdomains. Without allowed domains, all are allowed. A blocked
 * domain is never allowed.
 */
export class DomainFilter {
  /** Empty if every domain is allowed. */
  readonly allowed: readonly string[];
  readonly blocked: readonly string[];

  constructor({ allowed_domains: allowed, blocked_domains: blocked }: DomainLists) {
    this.allowed = (allowed ?? []).map((entry) => parseDomain(entry));
    this.blocked = (blocked ?? []).map((entry) => parseDomain(entry));
  }

  allows(url: string): boolean {
    const host = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : "";
    const isIn = (domain: string) => host === domain || host.endsWith(`.${domain}`);
    return !this.blocked.some(isIn) && (this.allowed.length === 0 || this.allowed.some(isIn));
  }

  /** A sentence for the model. Undefined if every domain is allowed. */
  describe(done: "found" | "opened"): string | undefined {
    const sentence = (which: string, domains: readonly string[]) =>
      domains.length === 0 ? [] : [`${which} pages of these domains can be ${done}: ${domains.join(", ")}.`];
    const sentences = [...sentence("Only", this.allowed), ...sentence("No", this.blocked)];
    return sentences.length === 0 ? undefined : sentences.join(" ");
  }
}

/**
 * Clients write domains with or without a scheme, a path or a port, and in any script. An invalid domain matches
 * nothing.
 */
function parseDomain(entry: string): string {
  const text = entry.trim();
  const url = text.includes("://") ? text : `https://${text}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : text;
}
