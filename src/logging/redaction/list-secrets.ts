/** Lists the secret values of headers and URLs, and the parts of them that may appear alone. */
import { SECRET_MIN_LENGTH } from "../redaction.ts";

/** Headers whose whole value is a secret. In these, short values are secrets too. */
const CREDENTIAL = /auth|cookie|key|token|secret|password|signature|credential/i;
/** Shorter words occur in any text. */
const CREDENTIAL_MIN_LENGTH = 4;
/** Shorter path segments are names: `mcp`, `v1`, `messages`. */
const SEGMENT_MIN_LENGTH = 16;

export function listHeaderSecrets(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const cookies = /cookie/i.test(name) ? value.split(/[;\s]+/) : [];
    const values = cookies.map((pair) => pair.slice(pair.indexOf("=") + 1));
    const parts = [value, ...value.split(/\s+/), ...basicCredentials(value), ...values];
    return atLeast(CREDENTIAL.test(name) ? CREDENTIAL_MIN_LENGTH : SECRET_MIN_LENGTH, parts).filter(isNoScheme);
  });
}

/** User name, password, query values, and segments of the path or fragment that are too long to be names. */
export function listUrlSecrets(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const { username, password, pathname, search, searchParams, hash } = new URL(address);
  const segments = pathname.split("/").flatMap((segment) => [segment, decoded(segment)]);
  return [
    ...atLeast(CREDENTIAL_MIN_LENGTH, [username, password, decoded(username), decoded(password)]),
    ...atLeast(SECRET_MIN_LENGTH, [search.slice(1), ...searchParams.values(), hash.slice(1)]),
    ...atLeast(SEGMENT_MIN_LENGTH, segments),
  ];
}

function atLeast(length: number, values: readonly string[]): string[] {
  return [...new Set(values)].filter((value) => value.length >= length);
}

/** `Basic` carries a user name and a password in base64. */
function basicCredentials(value: string): string[] {
  const encoded = /^basic\s+([\w+/=-]+)\s*$/i.exec(value)?.[1];
  if (encoded === undefined) return [];
  const pair = Buffer.from(encoded, "base64").toString();
  return [pair, pair.slice(pair.indexOf(":") + 1)];
}

function isNoScheme(value: string): boolean {
  return !/^(?:bearer|basic|digest|negotiate|token|apikey|aws4-hmac-sha256)$/i.test(value);
}

export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A percent sign that encodes nothing.
  }
}
