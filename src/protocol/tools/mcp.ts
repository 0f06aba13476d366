/** MCP servers whose tools the model may call. Source: openai 7.59.0 `Tool.Mcp`. */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { allowedCallersSchema } from "./function.ts";

/** A password in a URL would appear wherever the URL does. It belongs in `authorization` or `headers`. */
function hasNoCredentials(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password } = new URL(address);
  return username === "" && password === "";
}

const toolFilterSchema = z.strictObject({
  read_only: z.boolean().exactOptional(),
  tool_names: z.array(bounded.name).exactOptional(),
});

export const mcpToolSchema = z.strictObject({
  type: z.literal("mcp"),
  server_label: bounded.name,
  server_url: bounded.address
    .refine(hasNoCredentials, "a URL may have no user name and no password. Use 'authorization' or 'headers' instead.")
    .exactOptional(),
  server_description: bounded.description.exactOptional(),
  connector_id: z
    .enum([
      "connector_dropbox",
      "connector_gmail",
      "connector_googlecalendar",
      "connector_googledrive",
      "connector_microsoftteams",
      "connector_outlookcalendar",
      "connector_outlookemail",
      "connector_sharepoint",
    ])
    .exactOptional(),
  tunnel_id: bounded.identifier.exactOptional(),
  authorization: bounded.address.exactOptional(),
  headers: z.record(bounded.name, bounded.address).nullable().exactOptional(),
  allowed_callers: allowedCallersSchema.exactOptional(),
  allowed_tools: z
    .union([z.array(bounded.name), toolFilterSchema])
    .nullable()
    .exactOptional(),
  defer_loading: z.boolean().exactOptional(),
  require_approval: z
    .union([
      z.enum(["always", "never"]),
      z.strictObject({ always: toolFilterSchema.exactOptional(), never: toolFilterSchema.exactOptional() }),
    ])
    .nullable()
    .exactOptional(),
});
