/** The time after which a provider wants to be asked again. */

/**
 * Returns milliseconds, or undefined without a usable header. Reads `retry-after-ms`, seconds, and an HTTP date. A date is
 * by the provider's clock, so it is compared with the response's `date` if there is one.
 */
export function readRetryAfterMs(headers: Headers): number | undefined {
  const ms = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const header = headers.get("retry-after") ?? "";
  const seconds = Number(header);
  const waitMs =
    header.trim() !== "" && Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - providerTimeMs(headers);
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

function providerTimeMs(headers: Headers): number {
  const dateMs = Date.parse(headers.get("date") ?? "");
  return Number.isFinite(dateMs) ? dateMs : Date.now();
}
