/**
 * Applies an event between an item's added and done to the item. `output_item.done` carries the whole item, so an event
 * that is not folded here (a compaction in progress, a partial image) is only missing from a GET in between.
 */
import type { ItemEventDraft } from "../protocol/event.ts";
import type { MessagePart, OutputContent } from "../protocol/content.ts";
import type { OutputItem } from "../protocol/item.ts";
import type { ShellOutput } from "../protocol/items/shell.ts";

type ItemOf<T extends OutputItem["type"]> = Extract<OutputItem, { type: T }>;

/** Returns the same object if the event changes nothing or belongs to another kind of item. */
export function changeItem(item: OutputItem, event: ItemEventDraft): OutputItem {
  switch (event.type) {
    case "response.content_part.added":
    case "response.content_part.done":
      return withPart(item, event.content_index, event.part);
    case "response.output_text.delta":
      return changePart(item, event.content_index, "output_text", (part) => ({ text: part.text + event.delta }));
    case "response.output_text.done":
      return changePart(item, event.content_index, "output_text", () => ({ text: event.text }));
    case "response.output_text.annotation.added":
      return withAnnotation(item, event);
    case "response.refusal.delta":
      return changePart(item, event.content_index, "refusal", (part) => ({ refusal: part.refusal + event.delta }));
    case "response.refusal.done":
      return changePart(item, event.content_index, "refusal", () => ({ refusal: event.refusal }));
    case "response.reasoning_text.delta":
      return withReasoningText(item, event.content_index, (text) => text + event.delta);
    case "response.reasoning_text.done":
      return withReasoningText(item, event.content_index, () => event.text);
    case "response.reasoning_summary_part.added":
    case "response.reasoning_summary_part.done":
      return withSummary(item, event.summary_index, () => event.part.text);
    case "response.reasoning_summary_text.delta":
      return withSummary(item, event.summary_index, (text) => text + event.delta);
    case "response.reasoning_summary_text.done":
      return withSummary(item, event.summary_index, () => event.text);
    default:
      return changeCall(item, event);
  }
}

function changeCall(item: OutputItem, event: ItemEventDraft): OutputItem {
  switch (event.type) {
    case "response.function_call_arguments.delta":
      return changeItemOfType(item, "function_call", (call) => ({ arguments: call.arguments + event.delta }));
    case "response.function_call_arguments.done":
      return changeItemOfType(item, "function_call", () => ({ arguments: event.arguments }));
    case "response.mcp_call_arguments.delta":
      return changeItemOfType(item, "mcp_call", (call) => ({ arguments: call.arguments + event.delta }));
    case "response.mcp_call_arguments.done":
      return changeItemOfType(item, "mcp_call", () => ({ arguments: event.arguments }));
    case "response.custom_tool_call_input.delta":
      return changeItemOfType(item, "custom_tool_call", (call) => ({ input: call.input + event.delta }));
    case "response.custom_tool_call_input.done":
      return changeItemOfType(item, "custom_tool_call", () => ({ input: event.input }));
    case "response.code_interpreter_call_code.delta":
      return changeItemOfType(item, "code_interpreter_call", (call) => ({ code: (call.code ?? "") + event.delta }));
    case "response.code_interpreter_call_code.done":
      return changeItemOfType(item, "code_interpreter_call", () => ({ code: event.code }));
    case "response.shell_call_command.added":
    case "response.shell_call_command.done":
      return withCommand(item, event.command_index, () => event.command);
    case "response.shell_call_command.delta":
      return withCommand(item, event.command_index, (command) => command + event.delta);
    case "response.shell_call_output_content.delta":
      return changeItemOfType(item, "shell_call_output", ({ output }) => {
        const { stdout, stderr, ...rest } = output[event.command_index] ?? UNFINISHED_OUTPUT;
        const grown = {
          ...rest,
          stdout: stdout + (event.delta.stdout ?? ""),
          stderr: stderr + (event.delta.stderr ?? ""),
        };
        return { output: output.toSpliced(event.command_index, 1, grown) };
      });
    case "response.shell_call_output_content.done":
      return changeItemOfType(item, "shell_call_output", ({ output }) => ({
        output: [...output.slice(0, event.command_index), ...event.output, ...output.slice(event.command_index + 1)],
      }));
    default:
      return withPhase(item, event);
  }
}

/** A running command has no outcome, but the published type requires one. `timeout` does not claim an exit code. */
const UNFINISHED_OUTPUT: ShellOutput = { outcome: { type: "timeout" }, stdout: "", stderr: "" };

/** Calls whose events carry their status as a name. `mcp_list_tools` has none. */
function withPhase(item: OutputItem, event: ItemEventDraft): OutputItem {
  switch (event.type) {
    case "response.web_search_call.in_progress":
    case "response.web_search_call.searching":
    case "response.web_search_call.completed":
      return changeItemOfType(item, "web_search_call", () => ({ status: callPhaseOf(event.type) }));
    case "response.file_search_call.in_progress":
    case "response.file_search_call.searching":
    case "response.file_search_call.completed":
      return changeItemOfType(item, "file_search_call", () => ({ status: callPhaseOf(event.type) }));
    case "response.code_interpreter_call.in_progress":
    case "response.code_interpreter_call.interpreting":
    case "response.code_interpreter_call.completed":
      return changeItemOfType(item, "code_interpreter_call", () => ({ status: callPhaseOf(event.type) }));
    case "response.image_generation_call.in_progress":
    case "response.image_generation_call.generating":
    case "response.image_generation_call.completed":
      return changeItemOfType(item, "image_generation_call", () => ({ status: callPhaseOf(event.type) }));
    case "response.mcp_call.in_progress":
    case "response.mcp_call.completed":
    case "response.mcp_call.failed":
      return changeItemOfType(item, "mcp_call", () => ({ status: callPhaseOf(event.type) }));
    default:
      return item;
  }
}

type PhaseOf<T extends string> = T extends `response.${string}.${infer Phase}` ? Phase : never;

function callPhaseOf<T extends string>(type: T): PhaseOf<T> {
  return type.slice(type.lastIndexOf(".") + 1) as PhaseOf<T>;
}

function changeItemOfType<T extends OutputItem["type"]>(
  item: OutputItem,
  type: T,
  to: (item: ItemOf<T>) => Partial<ItemOf<T>>,
): OutputItem {
  return item.type === type ? { ...item, ...to(item as ItemOf<T>) } : item;
}

function withPart(item: OutputItem, index: number, part: OutputContent): OutputItem {
  if (part.type === "reasoning_text") return withReasoningText(item, index, () => part.text);
  return changeItemOfType(item, "message", ({ content }) => ({ content: content.toSpliced(index, 1, part) }));
}

/** Leaves a part unchanged that was not added or is of another kind. */
function changePart<T extends MessagePart["type"]>(
  item: OutputItem,
  index: number,
  type: T,
  to: (part: Extract<MessagePart, { type: T }>) => Partial<MessagePart>,
): OutputItem {
  const part = item.type === "message" ? item.content[index] : undefined;
  if (part?.type !== type) return item;
  return withPart(item, index, { ...part, ...to(part as Extract<MessagePart, { type: T }>) } as MessagePart);
}

function withAnnotation(
  item: OutputItem,
  event: Extract<ItemEventDraft, { type: "response.output_text.annotation.added" }>,
): OutputItem {
  const { annotation } = event;
  if (annotation === null) return item;
  return changePart(item, event.content_index, "output_text", ({ annotations }) => ({
    annotations: annotations.toSpliced(event.annotation_index, 1, annotation),
  }));
}

function withReasoningText(item: OutputItem, index: number, to: (text: string) => string): OutputItem {
  return changeItemOfType(item, "reasoning", ({ content = [] }) => ({
    content: content.toSpliced(index, 1, { type: "reasoning_text", text: to(content[index]?.text ?? "") }),
  }));
}

function withSummary(item: OutputItem, index: number, to: (text: string) => string): OutputItem {
  return changeItemOfType(item, "reasoning", ({ summary }) => ({
    summary: summary.toSpliced(index, 1, { type: "summary_text", text: to(summary[index]?.text ?? "") }),
  }));
}

function withCommand(item: OutputItem, index: number, to: (command: string) => string): OutputItem {
  return changeItemOfType(item, "shell_call", ({ action }) => ({
    action: { ...action, commands: action.commands.toSpliced(index, 1, to(action.commands[index] ?? "")) },
  }));
}
