/** Servers whose tools the provider may call. Source: openai 7.59.0 `Tool.Mcp`. */
import { z } from "zod";
import { allowedCallersSchema } from "./function.ts";

const toolFilterSchema = z.strictObject({
  read_only: z.boolean().exactOptional(),
  tool_names: z.array(z.string()).exactOptional(),
});

export const mcpToolSchema = z.strictObject({
  type: z.literal("mcp"),
  server_label: z.string(),
  server_url: z.string().exactOptional(),
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
