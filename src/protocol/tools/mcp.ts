/** Servers whose tools the provider may call. Source: openai 7.59.0 `Tool.Mcp`. */
import { z } from "zod";
import { allowedCallersSchema } from "./function.ts";

/** A password in a URL would be shown wherever the URL is. It belongs in `authorization` or `headers`. */
function hasNoCredentials(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password } = new URL(address);
  return username === "" && password === "";
}

const toolFilterSchema = z.strictObject({
  read_only: z.boolean().exactOptional(),
  tool_names: z.array(z.string()).exactOptional(),
});

export const mcpToolSchema = z.strictObject({
  type: z.literal("mcp"),
  server_label: z.string(),
  server_url: z
    .string()
    .refine(hasNoCredentials, "a URL may have no user name and no password. Use 'authorization' or 'headers' instead.")
    .exactOptional(),
  server_description: z.string().exactOptional(),
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
  tunnel_id: z.string().exactOptional(),
  authorization: z.string().exactOptional(),
  headers: z.record(z.string(), z.string()).nullable().exactOptional(),
  allowed_callers: allowedCallersSchema.exactOptional(),
  allowed_tools: z
    .union([z.array(z.string()), toolFilterSchema])
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
