/**
 * All input and output items, as two unions discriminated on `type`. Source: openai 7.59.0 (`ResponseInputItem`,
 * `ResponseOutputItem`); `items/` defines the kinds.
 */
import { z } from "zod";
import * as computer from "./items/computer.ts";
import * as context from "./items/context.ts";
import * as fn from "./items/function.ts";
import * as hosted from "./items/hosted.ts";
import * as mcp from "./items/mcp.ts";
import * as message from "./items/message.ts";
import * as shell from "./items/shell.ts";

const typedInputItemSchema = z.discriminatedUnion("type", [
  message.inputMessageSchema,
  fn.inputFunctionCallSchema,
  fn.inputFunctionCallOutputSchema,
  message.inputReasoningSchema,
  context.itemReferenceSchema,
  fn.inputCustomToolCallSchema,
  fn.inputCustomToolCallOutputSchema,
  hosted.inputWebSearchCallSchema,
  hosted.fileSearchCallSchema,
  hosted.codeInterpreterCallSchema,
  hosted.imageGenerationCallSchema,
  computer.computerCallSchema,
  computer.inputComputerCallOutputSchema,
  shell.inputLocalShellCallSchema,
  shell.inputLocalShellCallOutputSchema,
  shell.inputShellCallSchema,
  shell.inputShellCallOutputSchema,
  shell.inputApplyPatchCallSchema,
  shell.inputApplyPatchCallOutputSchema,
  mcp.mcpListToolsSchema,
  mcp.mcpApprovalRequestSchema,
  mcp.inputMcpApprovalResponseSchema,
  mcp.mcpCallSchema,
  context.inputToolSearchCallSchema,
  context.inputToolSearchOutputSchema,
  context.inputAdditionalToolsSchema,
  context.configurationUpdateSchema,
  context.inputCompactionSchema,
  context.compactionTriggerSchema,
  context.programSchema,
  context.programOutputSchema,
]);

type Untyped<T> = T extends { type: infer Type } ? Omit<T, "type"> & { type?: Type | null | undefined } : never;
type SentMessage = z.input<typeof message.inputMessageSchema>;
type SentReference = z.input<typeof context.itemReferenceSchema>;
type SentItem = z.input<typeof typedInputItemSchema> | Untyped<SentMessage> | Untyped<SentReference>;

/**
 * Messages and references may omit `type`: an item with a role is a message, and an item with only an id is a reference
 * (openai 7.59 `EasyInputMessage`, `ItemReference`).
 */
function nameItemType(item: SentItem): unknown {
  if (typeof item !== "object" || item === null || item.type != null) return item;
  if ("role" in item) return { ...item, type: "message" };
  return "id" in item ? { ...item, type: "item_reference" } : item;
}

/** Items are stored, listed and named by id, so an empty id is invalid. */
function rejectEmptyId({ value, issues }: z.core.ParsePayload<z.infer<typeof typedInputItemSchema>>): void {
  if (value.id !== "") return;
  issues.push({ code: "too_small", origin: "string", minimum: 1, inclusive: true, input: "", path: ["id"] });
}

export const inputItemSchema = z.preprocess(nameItemType, typedInputItemSchema).check(rejectEmptyId);
export type InputItem = z.infer<typeof inputItemSchema>;

/** An input item as stored and listed. It always has an id (openai 7.59 pages by id). */
export type StoredInputItem = InputItem & { id: string };

export const outputItemSchema = z.discriminatedUnion("type", [
  message.outputMessageSchema,
  message.outputReasoningSchema,
  fn.functionCallSchema,
  fn.functionCallOutputSchema,
  fn.customToolCallSchema,
  fn.customToolCallOutputSchema,
  hosted.webSearchCallSchema,
  hosted.fileSearchCallSchema,
  hosted.codeInterpreterCallSchema,
  hosted.imageGenerationCallSchema,
  computer.computerCallSchema,
  computer.computerCallOutputSchema,
  shell.localShellCallSchema,
  shell.localShellCallOutputSchema,
  shell.shellCallSchema,
  shell.shellCallOutputSchema,
  shell.applyPatchCallSchema,
  shell.applyPatchCallOutputSchema,
  mcp.mcpListToolsSchema,
  mcp.mcpCallSchema,
  mcp.mcpApprovalRequestSchema,
  mcp.mcpApprovalResponseSchema,
  context.toolSearchCallSchema,
  context.toolSearchOutputSchema,
  context.additionalToolsSchema,
  context.compactionSchema,
  context.programSchema,
  context.programOutputSchema,
]);
export type OutputItem = z.infer<typeof outputItemSchema>;
