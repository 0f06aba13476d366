/** MCP servers that the operator configures, by the label under which requests name them: the file of MCP_SERVERS_FILE. */
import { z } from "zod";
import { mcpToolSchema } from "./protocol/tools/mcp.ts";

/** A process on the worker's machine, that speaks over stdin and stdout. */
const commandSchema = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  cwd: z.string().min(1).optional(),
  /** Variables of the worker's environment that it is given. It has no others. */
  env_names: z.array(z.string()).default([]),
});

const remoteSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Headers, by name, and the variables of the worker's environment that hold their values. */
  headers_env: z.record(z.string(), z.string()).default({}),
});

export const mcpServersSchema = z.strictObject({
  servers: z.record(z.string().min(1), z.union([commandSchema, remoteSchema])).default({}),
  /** Where the services behind a `connector_id` are reached; each request brings its own `authorization`. */
  connectors: z.partialRecord(mcpToolSchema.shape.connector_id.unwrap(), remoteSchema).default({}),
});

export type McpServers = z.infer<typeof mcpServersSchema>;
export type McpCommand = z.infer<typeof commandSchema>;
export type McpRemote = z.infer<typeof remoteSchema>;
