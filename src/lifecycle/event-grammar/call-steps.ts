/**
 * The steps of calls, by their events (contract.md#item-events): which step may follow which, and after which the item
 * may be done. A call that arrives whole has no steps.
 */
import type { ItemEventDraft } from "../../protocol/event.ts";
import type { OutputItem } from "../../protocol/item.ts";
import { IllegalEventError } from "../apply-event.ts";
import { StreamedText } from "./streamed-text.ts";

type ItemType = OutputItem["type"];

/**
 * `after` names events without the prefix `response.`; `added` is the item's own. `ends`: the item may be done after
 * this step.
 */
interface CallStep {
  of: ItemType;
  after: readonly string[];
  ends?: true;
}

const text = (of: ItemType, name: string, first: readonly string[], ends?: true): Record<string, CallStep> => ({
  [`${name}.delta`]: { of, after: [...first, `${name}.delta`] },
  [`${name}.done`]: { of, after: [...first, `${name}.delta`], ...(ends && { ends }) },
});

const search = (of: "web_search_call" | "file_search_call"): Record<string, CallStep> => ({
  [`${of}.in_progress`]: { of, after: ["added"] },
  [`${of}.searching`]: { of, after: [`${of}.in_progress`] },
  [`${of}.completed`]: { of, after: [`${of}.searching`], ends: true },
});

const STEPS: Readonly<Record<string, CallStep>> = {
  ...text("function_call", "function_call_arguments", ["added"], true),
  ...text("custom_tool_call", "custom_tool_call_input", ["added"], true),
  ...search("web_search_call"),
  ...search("file_search_call"),

  "code_interpreter_call.in_progress": { of: "code_interpreter_call", after: ["added"] },
  ...text("code_interpreter_call", "code_interpreter_call_code", ["code_interpreter_call.in_progress"]),
  "code_interpreter_call.interpreting": { of: "code_interpreter_call", after: ["code_interpreter_call_code.done"] },
  "code_interpreter_call.completed": {
    of: "code_interpreter_call",
    after: ["code_interpreter_call.interpreting"],
    ends: true,
  },

  "mcp_list_tools.in_progress": { of: "mcp_list_tools", after: ["added"] },
  "mcp_list_tools.completed": { of: "mcp_list_tools", after: ["mcp_list_tools.in_progress"], ends: true },
  "mcp_list_tools.failed": { of: "mcp_list_tools", after: ["mcp_list_tools.in_progress"], ends: true },

  // Twice for an approved call: its arguments are known and need not be repeated.
  "mcp_call.in_progress": { of: "mcp_call", after: ["added", "mcp_call.in_progress", "mcp_call_arguments.done"] },
  ...text("mcp_call", "mcp_call_arguments", ["mcp_call.in_progress"]),
  "mcp_call.completed": { of: "mcp_call", after: ["mcp_call.in_progress", "mcp_call_arguments.done"], ends: true },
  "mcp_call.failed": { of: "mcp_call", after: ["mcp_call.in_progress", "mcp_call_arguments.done"], ends: true },

  "image_generation_call.in_progress": { of: "image_generation_call", after: ["added"] },
  "image_generation_call.generating": { of: "image_generation_call", after: ["image_generation_call.in_progress"] },
  "image_generation_call.partial_image": {
    of: "image_generation_call",
    after: ["image_generation_call.generating", "image_generation_call.partial_image"],
  },
  "image_generation_call.completed": {
    of: "image_generation_call",
    after: ["image_generation_call.generating", "image_generation_call.partial_image"],
    ends: true,
  },

  "compaction.compacting": { of: "compaction", after: ["added"], ends: true },

  "shell_call_command.added": { of: "shell_call", after: ["added", "shell_call_command.done"] },
  ...text("shell_call", "shell_call_command", ["shell_call_command.added"], true),
  "shell_call_output_content.delta": {
    of: "shell_call_output",
    after: ["added", "shell_call_output_content.delta", "shell_call_output_content.done"],
  },
  "shell_call_output_content.done": {
    of: "shell_call_output",
    after: ["added", "shell_call_output_content.delta", "shell_call_output_content.done"],
    ends: true,
  },
};

export class CallSteps {
  readonly #item: OutputItem;
  #last = "added";
  /** The call's instructions: arguments, input, code, or the shell command being written. */
  #text = new StreamedText();
  /** The index of the next whole command, output or image. */
  #next = 0;

  constructor(item: OutputItem) {
    this.#item = item;
  }

  accept(event: ItemEventDraft): void {
    const name = event.type.slice("response.".length);
    // The grammar knows no steps of events that only a provider defines. It has checked their item already.
    if (!Object.hasOwn(STEPS, name)) return;
    const { of, after } = STEPS[name]!;
    if (of !== this.#item.type) throw new IllegalEventError(event, `does not belong to a ${this.#item.type}.`);
    if (!after.includes(this.#last)) throw new IllegalEventError(event, `does not come after ${this.#last}.`);
    this.#checkIndex(event);
    this.#write(event);
    this.#last = name;
  }

  checkWhole(event: { type: string }, item: OutputItem): void {
    if (this.#last === "added") return;
    if (STEPS[this.#last]?.ends !== true) throw new IllegalEventError(event, `does not come after ${this.#last}.`);
    if (item.type === "shell_call" && item.action.commands.length !== this.#next) {
      throw new IllegalEventError(event, "the call has other commands than were streamed.");
    }
  }

  checkSame(event: { type: string }, item: OutputItem): void {
    const streamed = this.#last === "added" ? undefined : streamedInputOf(item);
    if (streamed !== undefined) this.#text.checkSame(event, streamed);
  }

  #checkIndex(event: ItemEventDraft): void {
    let index: number | undefined;
    if ("command_index" in event) index = event.command_index;
    if ("partial_image_index" in event) index = event.partial_image_index;
    if (index !== undefined && index !== this.#next) {
      throw new IllegalEventError(event, `the index is not the next, ${this.#next}.`);
    }
  }

  #write(event: ItemEventDraft): void {
    switch (event.type) {
      case "response.function_call_arguments.delta":
      case "response.mcp_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
      case "response.code_interpreter_call_code.delta":
      case "response.shell_call_command.delta":
        return this.#text.appendDelta(event, event.delta);
      case "response.function_call_arguments.done":
      case "response.mcp_call_arguments.done":
        return this.#text.finish(event, event.arguments);
      case "response.custom_tool_call_input.done":
        return this.#text.finish(event, event.input);
      case "response.code_interpreter_call_code.done":
        return this.#text.finish(event, event.code);
      case "response.shell_call_command.added":
        this.#text = new StreamedText();
        return event.command === "" ? undefined : this.#text.appendDelta(event, event.command);
      case "response.shell_call_command.done":
        this.#text.finish(event, event.command);
        this.#next += 1;
        return;
      case "response.shell_call_output_content.done":
      case "response.image_generation_call.partial_image":
        this.#next += 1;
        return;
      default:
    }
  }
}

/** The call's instructions as one text. */
function streamedInputOf(item: OutputItem): string | undefined {
  switch (item.type) {
    case "function_call":
    case "mcp_call":
      return item.arguments;
    case "custom_tool_call":
      return item.input;
    case "code_interpreter_call":
      return item.code ?? undefined;
    case "shell_call":
      return item.action.commands.at(-1);
    default:
      return undefined;
  }
}
