/** Decides which spellings of a URL lead to the same page. */

/**
 * Parameters that sites and mailings use to track readers, and that change no page. ClearURLs and Firefox remove them
 * from any URL (https://docs.clearurls.xyz/latest/specs/rules/, https://searchfox.org/mozilla-central, query
 * stripping).
 */
const TRACKING_PARAMETER =
  /^(?:utm_\w+|gclid|gclsrc|dclid|gbraid|wbraid|gad_source|gad_campaignid|fbclid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|mc_[ce]id|_ga|_gl|srsltid|_hsenc|_hsmi|__hs\w+|mkt_tok|li_fat_id|epik|vero_(?:id|conv)|oly_(?:anon|enc)_id|rb_clickid|s_cid|wickedid|icid|ref_src|ref_url)$/i;

/** The same key for each spelling of a page's URL. A text that is no web URL is its own key. */
export function toPageKey(source: string): string {
  const url = parse(source);
  if (url === undefined) return source;
  const host = url.host.replace(/\.(?=:|$)/, "").replace(/^www\./, "");
  const path = url.pathname.split("/").map(normalizeEncoding).join("/").replace(TRAILING_SLASH, "");
  const query = url.search
    .slice(1)
    .split("&")
    .map((field) =>
      field
        .split("=")
        .map((part) => normalizeEncoding(part.replaceAll("+", "%20")))
        .join("="),
    )
    .filter((field) => field !== "" && !TRACKING_PARAMETER.test(field.split("=")[0]!));
  return `${host}${path}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

/** A stricter key: it keeps the scheme, the host and the tracking parameters. */
export function toExactKey(source: string): string {
  const url = parse(source);
  if (url === undefined) return source;
  url.hash = "";
  return url.href.replace(TRAILING_SLASH, "");
}

/** `#part`, or an empty text. */
export function readFragment(source: string): string {
  return parse(source)?.hash ?? "";
}

const TRAILING_SLASH = /\/$/;

/** Reads the URL as a reader would follow it: models write `&amp;` as in HTML. */
function parse(source: string): URL | undefined {
  const text = source.trim().replace(/&(?:amp|#38|#x26);/gi, "&");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

/** Normalizes percent-encoding. Bytes that are not UTF-8 stay encoded. */
function normalizeEncoding(part: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(part));
  } catch {
    return part.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
  }
}
