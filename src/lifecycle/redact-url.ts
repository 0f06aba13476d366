/** Redacts the URL of an MCP server: its path and query may hold a secret (contract.md#hidden-secrets). */

export const REDACTED = "<redacted>";

/** Some URLs have no origin, and some texts that providers accept are not URLs. */
export function redactUrl(address: string): string {
  const origin = URL.canParse(address) ? new URL(address).origin : "null";
  return origin === "null" ? REDACTED : origin;
}
