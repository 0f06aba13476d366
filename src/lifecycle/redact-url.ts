/** What answers show of the URL of an MCP server: its path and its query may be a secret (contract.md#hidden-secrets). */

export const REDACTED = "<redacted>";

/** Some URLs have no origin, and some texts are no URLs: those a provider may understand. */
export function redactUrl(address: string): string {
  const origin = URL.canParse(address) ? new URL(address).origin : "null";
  return origin === "null" ? REDACTED : origin;
}
