/** MCP items: a provider's calls to MCP servers, and its approval requests. Source: openai 7.59.0. */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { cutOff } from "./status.ts";

export const mcpListToolsSchema = z.object({
  type: z.literal("mcp_list_tools"),
  id: bounded.identifier,
  server_label: bounded.name,
  tools: z.array(
    z.object({
      name: bounded.name,
      input_schema: z.unknown(),
      annotations: z.unknown().exactOptional(),
      description: bounded.description.nullable().exactOptional(),
    }),
  ),
  error: bounded.text.nullable().exactOptional(),
  ...cutOff,
});

const mcpErrorSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("mcp_protocol_error"), code: z.int(), message: bounded.text }),
  z.object({ type: z.literal("mcp_tool_execution_error"), content: z.unknown() }),
  z.object({ type: z.literal("http_error"), code: z.int(), message: bounded.text }),
]);

export const mcpCallSchema = z.object({
  type: z.literal("mcp_call"),
  id: bounded.identifier,
  server_label: bounded.name,
  name: bounded.name,
  arguments: bounded.text,
  approval_request_id: bounded.identifier.nullable().exactOptional(),
  output: bounded.text.nullable().exactOptional(),
  error: mcpErrorSchema.nullable().exactOptional(),
  status: z.enum(["in_progress", "completed", "incomplete", "calling", "failed"]).exactOptional(),
});

export const mcpApprovalRequestSchema = z.object({
  type: z.literal("mcp_approval_request"),
  id: bounded.identifier,
  server_label: bounded.name,
  name: bounded.name,
  arguments: bounded.text,
  ...cutOff,
});

export const inputMcpApprovalResponseSchema = z.object({
  type: z.literal("mcp_approval_response"),
  id: bounded.identifier.nullish(),
  approval_request_id: bounded.identifier,
  approve: z.boolean(),
  reason: bounded.text.nullish(),
});

export const mcpApprovalResponseSchema = z.object({
  type: z.literal("mcp_approval_response"),
  id: z.string(),
  approval_request_id: z.string(),
  approve: z.boolean(),
  reason: z.string().nullable().exactOptional(),
  ...cutOff,
});
