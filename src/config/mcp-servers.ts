/** MCP_SERVERS_FILE: MCP servers that the operator configures, by the label that requests name them by. */
import { z } from "zod";
import { mcpToolSchema } from "../protocol/tools/mcp.ts";
import type { SettingsError } from "./settings-file.ts";

/** A process on the worker's machine that speaks MCP over stdin and stdout. */
const commandSchema = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  cwd: z.string().min(1).optional(),
  /** Variables of the worker's environment that the process gets. It gets no others. */
  env_names: z.array(z.string()).default([]),
});

const remoteSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Header names, and the variables of the worker's environment that hold the values. */
  headers_env: z.record(z.string(), z.string()).default({}),
});

export const mcpServersSchema = z.strictObject({
  servers: z.record(z.string().min(1), z.union([commandSchema, remoteSchema])).default({}),
  /** Addresses of the services behind a `connector_id`. Each request brings its own `authorization`. */
  connectors: z.partialRecord(mcpToolSchema.shape.connector_id.unwrap(), remoteSchema).default({}),
});

export type McpServers = z.infer<typeof mcpServersSchema>;
export type McpCommand = z.infer<typeof commandSchema>;
export type McpRemote = z.infer<typeof remoteSchema>;

/** zod reports only that a server fits neither form. Its keys show which form was meant, so errors name that form's fields. */
export function describeServerError(issue: z.core.$ZodIssue): SettingsError[] | undefined {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return undefined;
  const lacks = (member: readonly z.core.$ZodIssue[], key: string) =>
    member.some(({ path, message }) => path.length === 1 && path[0] === key && message.endsWith("received undefined"));
  const [command = [], remote = []] = issue.errors;
  const isNeither = lacks(command, "command") && lacks(remote, "url");
  const isBoth = !lacks(command, "command") && !lacks(remote, "url");
  if (isNeither || isBoth) return [{ path: issue.path, message: "must have either command or url" }];
  const meant = lacks(remote, "url") ? command : remote;
  return meant.map((inner) => {
    const keys = inner.code === "unrecognized_keys" ? inner.keys.slice(0, 1) : [];
    const message = keys.length > 0 ? "unknown" : inner.message;
    return { path: [...issue.path, ...inner.path, ...keys], message };
  });
}
