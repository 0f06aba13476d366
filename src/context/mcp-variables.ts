import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";

/** Rejects a configuration whose MCP servers name unset variables: only workers send these requests, so only they check. */
export function checkMcpVariables({ mcpServers, environment }: Config): void {
  for (const list of ["servers", "connectors"] as const) {
    for (const [name, server] of Object.entries(mcpServers[list])) {
      const variables = "headers_env" in server ? Object.values(server.headers_env) : [];
      const missing = variables.find((variable) => (environment[variable] ?? "").trim() === "");
      if (missing === undefined) continue;
      throw new ConfigurationError(
        `MCP_SERVERS_FILE: ${list}.${name}.headers_env: the variable ${missing} is not set.`,
      );
    }
  }
}
