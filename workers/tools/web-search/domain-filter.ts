export interface DomainLists {
  allowed_domains?: readonly string[] | null;
  blocked_domains?: readonly string[] | null;
}

/**
 * A request's `filters`: domains stand for themselves and for those below them. Without any that is allowed, all are; one
 * that is blocked is blocked whatever else is said.
 */
export class DomainFilter {
  /** Empty if any is allowed. */
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

  /** For the model. Undefined if every domain is allowed. */
  describe(done: "found" | "opened"): string | undefined {
    const sentence = (which: string, domains: readonly string[]) =>
      domains.length === 0 ? [] : [`${which} pages of these domains can be ${done}: ${domains.join(", ")}.`];
    const sentences = [...sentence("Only", this.allowed), ...sentence("No", this.blocked)];
    return sentences.length === 0 ? undefined : sentences.join(" ");
  }
}

/** Clients write it with or without a scheme, a path or a port, and in any script. What is no domain at all matches nothing. */
function parseDomain(entry: string): string {
  const text = entry.trim();
  const url = text.includes("://") ? text : `https://${text}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : text;
}
