/** MCP servers that the operator configures, by the label under which requests name them: the file of MCP_SERVERS_FILE. */
import { z } from "zod";
import { mcpToolSchema } from "../protocol/tools/mcp.ts";
import type { FileFault } from "./settings-file.ts";

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

/** Which of the two a server was meant to be shows in what it has; zod only knows that it is neither. */
export function describeServerFault(issue: z.core.$ZodIssue): FileFault[] | undefined {
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
