/** Builds a prompt in the order that vendors insist on: system first, calls of one turn together, a result for each. */
import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
  SharedV4ProviderMetadata,
} from "@ai-sdk/provider";
import type { ModelPart } from "./content.ts";

type AssistantPart = Extract<LanguageModelV4Message, { role: "assistant" }>["content"][number];
type TextOutput = { type: "text"; value: string };
/** Of a client's tool. */
export type ToolOutput = TextOutput | { type: "content"; value: ModelPart[] };

/** For a call that the conversation went on without. */
const NO_OUTPUT: TextOutput = { type: "text", value: "There is no output yet." };

export class PromptBuilder {
  readonly #takesLateSystem: boolean;
  readonly #messages: LanguageModelV4Prompt = [];
  /** Calls that have no result yet: their names, by id. */
  readonly #unanswered = new Map<string, string>();
  #signature: SharedV4ProviderMetadata | undefined;

  constructor(takesLateSystem: boolean) {
    this.#takesLateSystem = takesLateSystem;
  }

  addSystem(text: string): void {
    if (text === "") return;
    const [first] = this.#messages;
    if (this.#messages.length === 0) this.#push({ role: "system", content: text });
    // The chat templates of many models know one system message.
    else if (this.#messages.length === 1 && first?.role === "system") first.content += `\n\n${text}`;
    else if (this.#takesLateSystem) this.#push({ role: "system", content: text });
    else this.addUser([{ type: "text", text: `<system>\n${text}\n</system>` }]);
  }

  addUser(content: ModelPart[]): void {
    if (content.length > 0) this.#push({ role: "user", content });
  }

  addAssistant(parts: AssistantPart[]): void {
    if (parts.length === 0) return;
    const last = this.#messages.at(-1);
    if (last?.role === "assistant") for (const part of parts) last.content.push(part);
    else this.#push({ role: "assistant", content: parts });
  }

  /** What was written beside a reasoning, for the call that came of it. */
  signNextCall(signature: SharedV4ProviderMetadata): void {
    this.#signature = signature;
  }

  addCall(toolCallId: string, toolName: string, input: unknown): void {
    const signed = this.#signature && { providerOptions: this.#signature };
    this.#signature = undefined;
    this.addAssistant([{ type: "tool-call", toolCallId, toolName, input, ...signed }]);
    this.#unanswered.set(toolCallId, toolName);
  }

  addOutput(toolCallId: string | undefined, output: ToolOutput): void {
    if (toolCallId !== undefined && this.#unanswered.has(toolCallId)) return this.#answer(toolCallId, output);
    // It came too late, or its call is not in the conversation any more.
    const [opening, closing] = ["<tool_output>", "</tool_output>"].map((text) => ({ type: "text" as const, text }));
    const parts = output.type === "text" ? [{ type: "text" as const, text: output.value }] : output.value;
    this.addUser([opening!, ...parts, closing!]);
  }

  finish(): LanguageModelV4Prompt {
    this.#answerTheRest();
    return this.#messages;
  }

  #push(message: LanguageModelV4Message): void {
    if (message.role !== "tool") this.#answerTheRest();
    this.#messages.push(message);
  }

  #answer(toolCallId: string, output: LanguageModelV4ToolResultOutput): void {
    const toolName = this.#unanswered.get(toolCallId)!;
    this.#unanswered.delete(toolCallId);
    const result = { type: "tool-result" as const, toolCallId, toolName, output };
    const last = this.#messages.at(-1);
    if (last?.role === "tool") last.content.push(result);
    else this.#push({ role: "tool", content: [result] });
  }

  #answerTheRest(): void {
    for (const id of this.#unanswered.keys()) this.#answer(id, NO_OUTPUT);
  }
}
