/** `filters.allowed_domains`: the domains that are named, and those below them. Without any, every domain is allowed. */
export class DomainFilter {
  readonly domains: readonly string[];

  constructor(allowed: readonly string[] | null | undefined) {
    this.domains = (allowed ?? []).map((entry) => domainOf(entry));
  }

  allows(url: string): boolean {
    if (this.domains.length === 0) return true;
    const host = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : "";
    return this.domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
  }
}

/** Clients write it with or without a scheme, a path or a port, and in any script. What is no domain at all matches nothing. */
function domainOf(entry: string): string {
  const text = entry.trim();
  const url = text.includes("://") ? text : `https://${text}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, "") : text;
}
