/**
 * Tools that a request may offer, and tool choices. Source: contract.md#parameters, openai 7.59.0 `Tool`,
 * `ToolChoice…`.
 */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import * as fn from "./tools/function.ts";
import * as hosted from "./tools/hosted.ts";
import { mcpToolSchema } from "./tools/mcp.ts";
import * as search from "./tools/search.ts";

/** All tools except functions, for which a response has more fields than a request requires. */
const OTHER_TOOLS = [
  search.fileSearchToolSchema,
  hosted.computerToolSchema,
  hosted.computerUsePreviewToolSchema,
  search.webSearchToolSchema,
  mcpToolSchema,
  hosted.codeInterpreterToolSchema,
  fn.programmaticToolSchema,
  hosted.imageGenerationToolSchema,
  hosted.localShellToolSchema,
  hosted.shellToolSchema,
  fn.customToolSchema,
  fn.namespaceToolSchema,
  fn.toolSearchToolSchema,
  search.webSearchPreviewToolSchema,
  hosted.applyPatchToolSchema,
] as const;

export const toolSchema = z.discriminatedUnion("type", [fn.functionToolSchema, ...OTHER_TOOLS]);
export type Tool = z.infer<typeof toolSchema>;
export type { FunctionTool } from "./tools/function.ts";

/** Tools as a response shows them. */
export const responseToolSchema = z.discriminatedUnion("type", [fn.responseFunctionToolSchema, ...OTHER_TOOLS]);
export type ResponseTool = z.infer<typeof responseToolSchema>;

const modeSchema = z.enum(["none", "auto", "required"]);

const NAMED_CHOICES = [
  z.strictObject({ type: z.literal("function"), name: bounded.name }),
  z.strictObject({
    type: z.literal("allowed_tools"),
    mode: z.enum(["auto", "required"]),
    tools: z.array(z.record(bounded.name, z.unknown())),
  }),
  z.strictObject({ type: z.literal("custom"), name: bounded.name }),
  // Two published types share this name: a tool of one server, and any tool of any server.
  z.strictObject({
    type: z.literal("mcp"),
    server_label: bounded.name.exactOptional(),
    name: bounded.name.nullable().exactOptional(),
  }),
  z.strictObject({ type: z.enum(["apply_patch", "shell", "programmatic_tool_calling"]) }),
] as const;

const hostedChoiceSchema = z.strictObject({
  type: z.enum([
    "file_search",
    "web_search_preview",
    "computer",
    "computer_use_preview",
    "computer_use",
    "web_search_preview_2025_03_11",
    "image_generation",
    "code_interpreter",
  ]),
});

/** The published type names only the preview of web search as a choice. `@ai-sdk/openai` sends the tool's own name. */
export const toolChoiceSchema = z.union([
  modeSchema,
  z.discriminatedUnion("type", [
    ...NAMED_CHOICES,
    hostedChoiceSchema,
    z.strictObject({ type: z.enum(["web_search", "web_search_2025_08_26"]) }),
  ]),
]);
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

/** Tool choices as a response shows them. */
export const responseToolChoiceSchema = z.union([
  modeSchema,
  z.discriminatedUnion("type", [...NAMED_CHOICES, hostedChoiceSchema]),
]);
export type ResponseToolChoice = z.infer<typeof responseToolChoiceSchema>;
