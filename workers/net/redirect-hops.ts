/** The steps of a redirected fetch: the request each server receives, and the URL its response leads to. */
import type { CookieJar } from "tough-cookie";
import type { Response as UndiciResponse } from "undici";

export interface Hop {
  url: URL;
  method: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer> | undefined;
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Headers that may be sent to another origin after a redirect. Any other header of the caller may be a secret. */
const SHARED_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "content-language",
  "content-type",
  "user-agent",
]);
/** Maximum per response. */
const MAX_COOKIES = 50;

/** Null unless the response redirects. Servers write the URL in UTF-8; HTTP headers arrive decoded as Latin-1. */
export function readLocation({ status, headers }: UndiciResponse): string | null {
  if (!REDIRECT_STATUSES.has(status)) return null;
  const location = headers.get("location")?.trim() ?? "";
  if (location === "") return null;
  try {
    // Browsers decode it the same way: https://fetch.spec.whatwg.org/#concept-response-location-url.
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(location, "latin1"));
  } catch {
    return location;
  }
}

export function addCookies(hop: Hop, cookies: CookieJar | undefined): Hop {
  const text = cookies?.getCookieStringSync(hop.url.href) ?? "";
  if (text === "") return hop;
  const headers = new Headers(hop.headers);
  headers.set("cookie", text);
  return { ...hop, headers };
}

export function storeCookies({ headers }: UndiciResponse, url: URL, cookies: CookieJar | undefined): void {
  if (cookies === undefined) return;
  const set = headers.getSetCookie().slice(0, MAX_COOKIES);
  for (const cookie of set) cookies.setCookieSync(cookie, url.href, { ignoreError: true });
}

/** The request to send to a redirect's target (RFC 9110 §15.4 and the fetch standard). */
export function createNextHop({ url, method, headers, body }: Hop, status: number, target: URL): Hop {
  const becomesGet =
    status === 303 ? method !== "GET" && method !== "HEAD" : (status === 301 || status === 302) && method === "POST";
  const forwarded = [...headers].filter(([name]) => {
    if (becomesGet && name.startsWith("content-")) return false;
    return target.origin === url.origin || SHARED_HEADERS.has(name);
  });
  if (becomesGet) return { url: target, method: "GET", headers: new Headers(forwarded), body: undefined };
  return { url: target, method, headers: new Headers(forwarded), body };
}
