/**
 * Decides which URLs of requests and models may be fetched: public internet addresses, and those that the operator
 * allows with FETCH_ALLOWED_HOSTS. It checks the URL first, and later each address before a connection to it.
 */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { ConfigurationError } from "../../src/config/configuration-error.ts";
import { BlockedUrlError } from "./errors.ts";

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
const DEFAULT_PORTS: Record<string, number> = { "http:": 80, "https:": 443 };

/**
 * Whether the address is public: global unicast, and in no special range of RFC 6890. Addresses that embed an IPv4
 * address (mapped, compatible, NAT64, 6to4, Teredo) are not, even if the embedded address is.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST);
}

type AllowedEntry =
  | { kind: "host"; host: string; port: number | undefined }
  | { kind: "range"; range: [ipaddr.IPv4 | ipaddr.IPv6, number] };

export class FetchPolicy {
  readonly #entries: readonly AllowedEntry[];

  /** `allowedHosts`: FETCH_ALLOWED_HOSTS. Throws a ConfigurationError. */
  constructor(allowedHosts: string | undefined) {
    const entries = (allowedHosts ?? "").split(",").map((entry) => entry.trim());
    this.#entries = entries.filter((entry) => entry !== "").map((entry) => parseEntry(entry));
  }

  /** Returns the normalized URL, or throws a BlockedUrlError. A name's addresses are checked when connecting. */
  checkUrl(source: string, base?: string): URL {
    const url = URL.canParse(source, base) ? new URL(source, base) : undefined;
    if (url === undefined) throw new BlockedUrlError("invalid");
    if (!(url.protocol in DEFAULT_PORTS)) throw new BlockedUrlError("scheme");
    if (url.username !== "" || url.password !== "") throw new BlockedUrlError("credentials");
    const host = normalizeHost(url.hostname);
    const port = url.port === "" ? DEFAULT_PORTS[url.protocol]! : Number(url.port);
    const isLocalName = host === "localhost" || host.endsWith(".localhost") || host === "";
    if (isLocalName && !this.#allowsHost(host, port)) throw new BlockedUrlError("host");
    if (isIP(host) !== 0 && !this.mayConnect(host, port, host)) throw new BlockedUrlError("host");
    return url;
  }

  /** Whether a connection for this host and port may go to this address. */
  mayConnect(hostname: string, port: number, address: string): boolean {
    return isPublicAddress(address) || this.#allowsHost(normalizeHost(hostname), port) || this.#allowsAddress(address);
  }

  #allowsHost(host: string, port: number): boolean {
    return this.#entries.some(
      (entry) => entry.kind === "host" && entry.host === host && (entry.port === undefined || entry.port === port),
    );
  }

  #allowsAddress(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.parse(address);
    return this.#entries.some(
      (entry) =>
        entry.kind === "range" &&
        entry.range[0].kind() === parsed.kind() &&
        parsed.match(entry.range[0], entry.range[1]),
    );
  }
}

/** Lower-cases the host and removes IPv6 brackets and the trailing root dot. */
function normalizeHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.+$/, "");
}

function parseEntry(text: string): AllowedEntry {
  if (ipaddr.isValidCIDR(text)) return { kind: "range", range: ipaddr.parseCIDR(text) };
  // The colons of a bare IPv6 address do not separate a port.
  const authority = isIP(text) === 6 ? `[${text}]` : text;
  const url = URL.canParse(`http://${authority}`) ? new URL(`http://${authority}`) : undefined;
  const port = /:(\d+)$/.exec(authority.replace(/^\[.*\]/, ""))?.[1];
  const isBare =
    url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!isBare || /[/@?#*\s]/.test(text)) {
    throw new ConfigurationError(
      `FETCH_ALLOWED_HOSTS: ${JSON.stringify(text)} is not a host, host:port or CIDR range.`,
    );
  }
  return { kind: "host", host: normalizeHost(url.hostname), port: port === undefined ? undefined : Number(port) };
}
