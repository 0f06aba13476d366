/**
 * Parses REDIS_URL strictly. ioredis accepts anything: a word as a host, an invalid database as database 0, and any query
 * parameter as an option.
 *
 *   redis://[user:password@]host[:port][/db]        a single server; rediss:// uses TLS
 *   /path/to/socket                                 a server on this machine
 *   redis://a:1,redis://b:2                         nodes of a cluster (REDIS_CLUSTER)
 *   redis+sentinel://[user:password@]host[:port][,host[:port]…]/name[?db=…&sentinel_username=…&sentinel_password=…]
 *                                                   the primary that the Sentinels know by this name; user and password
 *                                                   are for Redis, rediss+sentinel:// uses TLS for both
 */

export interface HostAndPort {
  host: string;
  port: number;
}

interface CommonAddress {
  username?: string;
  password?: string;
  isTls: boolean;
  db: number;
}

export type RedisAddress =
  | (CommonAddress & HostAndPort & { kind: "server" })
  | (CommonAddress & { kind: "socket"; path: string })
  | (CommonAddress & { kind: "cluster"; nodes: HostAndPort[] })
  | (CommonAddress & {
      kind: "sentinel";
      name: string;
      sentinels: HostAndPort[];
      sentinelUsername?: string;
      sentinelPassword?: string;
    });

/** The message describes the error without quoting the URL, which may contain a password. */
class RedisUrlError extends Error {
  override readonly name = "RedisUrlError";
}

const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
const MAX_PORT = 65_535;
const SERVER_URL_RULE = "must be redis://host:port, or rediss:// with TLS";
const SENTINEL_URL_RULE = "must be redis+sentinel://host:port,host:port/name, or rediss+sentinel:// with TLS";
const SENTINEL_OPTIONS: ReadonlySet<string> = new Set(["db", "sentinel_username", "sentinel_password"]);

export function findRedisUrlError(text: string, isCluster: boolean): string | undefined {
  try {
    parseRedisUrl(text, isCluster);
    return undefined;
  } catch (error) {
    if (error instanceof RedisUrlError) return error.message;
    throw error;
  }
}

/** The parts of the URL that no log may show. */
export function listRedisUrlSecrets(text: string, isCluster: boolean): string[] {
  const address = parseRedisUrl(text, isCluster);
  const ofSentinels = address.kind === "sentinel" ? [address.sentinelUsername, address.sentinelPassword] : [];
  return [address.username, address.password, ...ofSentinels].filter((secret) => secret !== undefined);
}

export function parseRedisUrl(text: string, isCluster: boolean): RedisAddress {
  if (/^rediss?\+sentinel:/i.test(text)) {
    if (isCluster) throw new RedisUrlError("a cluster has no Sentinels: set REDIS_CLUSTER=false, or list its nodes");
    return parseSentinels(text);
  }
  if (!isCluster) {
    if (text.startsWith("/")) return { kind: "socket", path: text, isTls: false, db: 0 };
    const { host, port, ...common } = parseServer(text);
    return { kind: "server", host, port, ...common };
  }
  const servers = text.split(",").map((url) => parseServer(url.trim()));
  if (servers.some(({ db }) => db > 0)) throw new RedisUrlError("a cluster has only database 0");
  const { host: _host, port: _port, ...common } = servers[0]!;
  return { kind: "cluster", nodes: servers.map(({ host, port }) => ({ host, port })), ...common };
}

function parseServer(url: string): CommonAddress & HostAndPort {
  if (!/^rediss?:\/\//i.test(url) || !URL.canParse(url)) throw new RedisUrlError(SERVER_URL_RULE);
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  const unknown = [...searchParams.keys()][0];
  if (unknown !== undefined) {
    throw new RedisUrlError(
      `it has no option ${JSON.stringify(unknown)}: the database is the number behind the last /, files for TLS are REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE`,
    );
  }
  return {
    ...hostAndPort(hostname, port, REDIS_PORT),
    ...credentials(username, password),
    isTls: /^rediss:/i.test(protocol),
    db: database(pathname.slice(1), "the database behind the last / must be a number"),
  };
}

/** Parsed by hand, because `URL` rejects multiple hosts. */
function parseSentinels(url: string): RedisAddress {
  const parts =
    /^(?<scheme>[^:]+):\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^/?@]+)\/(?<name>[^/?]+)(?:\?(?<query>.*))?$/.exec(url);
  if (parts === null) throw new RedisUrlError(SENTINEL_URL_RULE);
  const { scheme, user = "", hosts, name, query = "" } = parts.groups as Record<string, string | undefined>;
  const options = new URLSearchParams(query);
  const unknown = [...options.keys()].find((option) => !SENTINEL_OPTIONS.has(option));
  if (unknown !== undefined) {
    throw new RedisUrlError(
      `it has no option ${JSON.stringify(unknown)}: the options are ${[...SENTINEL_OPTIONS].join(", ")}`,
    );
  }
  const [username = "", ...password] = user.split(":");
  const [sentinelUsername, sentinelPassword] = [options.get("sentinel_username"), options.get("sentinel_password")];
  return {
    kind: "sentinel",
    name: decode(name!),
    sentinels: hosts!.split(",").map((each) => {
      const host = /^(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d+))?$/.exec(each.trim())?.groups;
      if (host === undefined) throw new RedisUrlError(SENTINEL_URL_RULE);
      return hostAndPort(host["host"]!, host["port"] ?? "", SENTINEL_PORT);
    }),
    ...credentials(username, password.join(":")),
    ...(sentinelUsername !== null && { sentinelUsername }),
    ...(sentinelPassword !== null && { sentinelPassword }),
    isTls: /^rediss/i.test(scheme!),
    db: database(options.get("db") ?? "", "db must be a number"),
  };
}

function hostAndPort(host: string, port: string, fallback: number): HostAndPort {
  const number = Number(port === "" ? fallback : port);
  if (number > MAX_PORT) throw new RedisUrlError(`there is no port above ${MAX_PORT}`);
  // Sockets expect IPv6 addresses without brackets. A URL without a host means this machine.
  return { host: decode(host).replace(/^\[(.*)\]$/, "$1") || "localhost", port: number };
}

function database(text: string, message: string): number {
  if (!/^\d*$/.test(text)) throw new RedisUrlError(message);
  return Number(text);
}

function credentials(username: string, password: string): Pick<CommonAddress, "username" | "password"> {
  return {
    ...(username !== "" && { username: decode(username) }),
    ...(password !== "" && { password: decode(password) }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RedisUrlError("a % in it must be written as %25");
  }
}
