/** What a provider does with MCP servers, and the approvals it asks for. Source: openai 7.59.0. */
import { z } from "zod";
import { cutOff } from "./status.ts";

export const mcpListToolsSchema = z.object({
  type: z.literal("mcp_list_tools"),
  id: z.string(),
  server_label: z.string(),
  tools: z.array(
    z.object({
      name: z.string(),
      input_schema: z.unknown(),
      annotations: z.unknown().exactOptional(),
      description: z.string().nullable().exactOptional(),
    }),
  ),
  error: z.string().nullable().exactOptional(),
  ...cutOff,
});

const mcpErrorSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("mcp_protocol_error"), code: z.int(), message: z.string() }),
  z.object({ type: z.literal("mcp_tool_execution_error"), content: z.unknown() }),
  z.object({ type: z.literal("http_error"), code: z.int(), message: z.string() }),
]);

export const mcpCallSchema = z.object({
  type: z.literal("mcp_call"),
  id: z.string(),
  server_label: z.string(),
  name: z.string(),
  arguments: z.string(),
  approval_request_id: z.string().nullable().exactOptional(),
  output: z.string().nullable().exactOptional(),
  error: mcpErrorSchema.nullable().exactOptional(),
  status: z.enum(["in_progress", "completed", "incomplete", "calling", "failed"]).exactOptional(),
});

export const mcpApprovalRequestSchema = z.object({
  type: z.literal("mcp_approval_request"),
  id: z.string(),
  server_label: z.string(),
  name: z.string(),
  arguments: z.string(),
  ...cutOff,
});

export const inputMcpApprovalResponseSchema = z.object({
  type: z.literal("mcp_approval_response"),
  id: z.string().nullish(),
  approval_request_id: z.string(),
  approve: z.boolean(),
  reason: z.string().nullish(),
});

export const mcpApprovalResponseSchema = z.object({
  type: z.literal("mcp_approval_response"),
  id: z.string(),
  approval_request_id: z.string(),
  approve: z.boolean(),
  reason: z.string().nullable().exactOptional(),
  ...cutOff,
});
