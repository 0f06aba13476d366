/**
 * Finds the MCP server of a request's tool: at the client's URL, or in the operator's configuration (MCP_SERVERS_FILE).
 */
import type { Config } from "../../../src/config/config.ts";
import type { McpCommand, McpRemote } from "../../../src/config/mcp-servers.ts";
import { isPlainVariable } from "../../../src/providers/operator-secrets.ts";
import { SECRET_MIN_LENGTH } from "../../../src/logging/redaction.ts";
import { listHeaderSecrets, listUrlSecrets } from "../../../src/logging/redaction/list-secrets.ts";
import type { McpTool } from "./tool-filter.ts";

export interface RemoteTarget {
  kind: "remote";
  url: string;
  headers: Record<string, string>;
  /** A URL of a request is fetched with guards. The operator's own URL may lead anywhere. */
  isGuarded: boolean;
}
export interface CommandTarget {
  kind: "command";
  command: McpCommand;
  env: Record<string, string>;
}
export type McpTarget = RemoteTarget | CommandTarget;

/** Headers of the connection itself, which a client cannot set. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "connection",
  "content-length",
  "content-type",
  "host",
  "keep-alive",
  "last-event-id",
  "mcp-protocol-version",
  "mcp-session-id",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Undefined if the tool's server is not configured. */
export function findTarget(tool: McpTool, config: Config): McpTarget | undefined {
  const { server_url: url, connector_id: connector, server_label: label } = tool;
  if (tool.tunnel_id !== undefined) return undefined;
  if (connector !== undefined) {
    const remote = config.mcpServers.connectors[connector];
    return remote && createOperatorTarget(remote, tool, config);
  }
  if (url !== undefined) return { kind: "remote", url, headers: readClientHeaders(tool), isGuarded: true };
  const server = Object.hasOwn(config.mcpServers.servers, label) ? config.mcpServers.servers[label] : undefined;
  if (server === undefined) return undefined;
  if ("url" in server) return createOperatorTarget(server, tool, config);
  const named = server.env_names.map((name) => [name, config.environment[name]] as const);
  const env = Object.fromEntries(named.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
  return { kind: "command", command: server, env };
}

/** Identifies the server. The same for every client. */
export function identifyTarget(target: McpTarget): string {
  if (target.kind === "remote") return target.url;
  const { command, args, cwd } = target.command;
  return JSON.stringify([command, args, cwd ?? null]);
}

/** Every secret value of a target. */
export function collectSecrets(target: McpTarget): string[] {
  if (target.kind === "remote") return [...listHeaderSecrets(target.headers), ...listUrlSecrets(target.url)];
  return Object.entries(target.env).flatMap(([name, value]) =>
    isPlainVariable(name) || value.length < SECRET_MIN_LENGTH ? [] : [value],
  );
}

/** A request cannot override the operator's headers. */
function createOperatorTarget(remote: McpRemote, tool: McpTool, config: Config): RemoteTarget {
  const headers = readClientHeaders(tool);
  for (const [name, variable] of Object.entries(remote.headers_env)) {
    const value = config.environment[variable];
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return { kind: "remote", url: remote.url, headers, isGuarded: false };
}

function readClientHeaders({ headers, authorization }: McpTool): Record<string, string> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    ...Object.fromEntries(given.filter(([name]) => !RESERVED_HEADERS.has(name))),
    ...(authorization !== undefined && { authorization: `Bearer ${authorization}` }),
  };
}
