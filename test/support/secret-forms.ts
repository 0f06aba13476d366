/** Forms in which a sent secret comes back. */
const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const lowerHex = (text: string) => text.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
const unicode = (text: string) =>
  Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
const html = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const base64 = (skipped: number, alphabet: "base64" | "base64url") => (text: string) =>
  Buffer.from("x".repeat(skipped) + text + "yz").toString(alphabet);

/** How servers, libraries and engines repeat the values they were sent. */
export const SECRET_FORMS: Record<string, (secret: string) => string> = {
  "as it is": (secret) => secret,
  "percent-encoded": encodeURIComponent,
  "percent-encoded in lower case": (secret) => lowerHex(encodeURIComponent(secret)),
  "percent-encoded whole": percent,
  "percent-encoded twice": (secret) => encodeURIComponent(encodeURIComponent(secret)),
  "of a form": (secret) => new URLSearchParams({ key: secret }).toString(),
  "of JSON": JSON.stringify,
  "of JSON in JSON": (secret) => JSON.stringify(JSON.stringify({ key: secret })),
  "of JSON with slashes escaped": (secret) => JSON.stringify(secret).replaceAll("/", "\\/"),
  "of JSON in ASCII": unicode,
  "of JSON in ASCII and upper case": (secret) => unicode(secret).replaceAll(/[0-9a-f]{4}/g, (hex) => hex.toUpperCase()),
  "of HTML": html,
  hexadecimal: (secret) => Buffer.from(secret).toString("hex"),
  "upper hexadecimal": (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  "base64, percent-encoded": (secret) => encodeURIComponent(base64(0, "base64")(secret)),
  "base64 with its padding": (secret) => Buffer.from(secret).toString("base64"),
  "base64 without padding": (secret) => Buffer.from(secret).toString("base64url"),
};
for (const skipped of [0, 1, 2, 3, 4]) {
  for (const alphabet of ["base64", "base64url"] as const) {
    SECRET_FORMS[`${alphabet} behind ${skipped} bytes`] = base64(skipped, alphabet);
  }
}
