/** Builds a prompt in the order that vendors require: system first, the calls of a turn together, a result for each. */
import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
  SharedV4ProviderMetadata,
} from "@ai-sdk/provider";
import type { ModelPart } from "./content-parts.ts";
import { type MarkKind, TextMarks } from "./text-marks.ts";

type AssistantPart = Extract<LanguageModelV4Message, { role: "assistant" }>["content"][number];
type CallPart = Extract<AssistantPart, { type: "tool-call" }>;
type TextOutput = { type: "text"; value: string };
/** Output of a client's tool. */
export type ToolOutput = TextOutput | { type: "content"; value: ModelPart[] };

/** Output of a call that the conversation continued without. */
const NO_OUTPUT: TextOutput = { type: "text", value: "There is no output yet." };

export class PromptBuilder {
  readonly #acceptsLateSystem: boolean;
  readonly #messages: LanguageModelV4Prompt = [];
  /** Names of calls without a result, by call id. */
  readonly #unanswered = new Map<string, string>();
  readonly #marks: TextMarks;
  /** Messages that contain marks. */
  readonly #marked = new Set<LanguageModelV4Message>();
  #signature: SharedV4ProviderMetadata | undefined;
  readonly #calls = new Map<string, CallPart>();

  constructor(takesLateSystem: boolean, boundary: string) {
    this.#acceptsLateSystem = takesLateSystem;
    this.#marks = new TextMarks(boundary);
  }

  addSystem(text: string): void {
    if (text === "") return;
    const [first] = this.#messages;
    if (this.#messages.length === 0) this.#push({ role: "system", content: text });
    // Chat templates of many models support only one system message.
    else if (this.#messages.length === 1 && first?.role === "system") first.content += `\n\n${text}`;
    else if (this.#acceptsLateSystem) this.#push({ role: "system", content: text });
    else {
      const [opening, closing] = [this.#marks.opening("system"), this.#marks.closing("system")];
      this.#addMarked([{ type: "text", text: `${opening}\n${text}\n${closing}` }]);
    }
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

  /** Sets the state that the vendor wrote with a reasoning for the call after it. */
  signNextCall(signature: SharedV4ProviderMetadata): void {
    this.#signature = signature;
  }

  /** Adds state that the vendor wrote for calls that are already in the prompt. */
  signCalls(signatures: Readonly<Record<string, SharedV4ProviderMetadata>>): void {
    for (const [toolCallId, signature] of Object.entries(signatures)) {
      const call = this.#calls.get(toolCallId);
      if (call !== undefined) call.providerOptions = signature;
    }
  }

  addCall(toolCallId: string, toolName: string, input: unknown): void {
    const signed = this.#signature && { providerOptions: this.#signature };
    this.#signature = undefined;
    const call: CallPart = { type: "tool-call", toolCallId, toolName, input, ...signed };
    this.#calls.set(toolCallId, call);
    this.addAssistant([call]);
    this.#unanswered.set(toolCallId, toolName);
  }

  addOutput(toolCallId: string | undefined, output: ToolOutput): void {
    if (toolCallId !== undefined && this.#unanswered.has(toolCallId)) return this.#answer(toolCallId, output);
    // The output came too late, or its call is not in the conversation.
    const kind: MarkKind = "tool_output";
    const [opening, closing] = [this.#marks.opening(kind), this.#marks.closing(kind)].map((text) => toTextPart(text));
    const parts = output.type === "text" ? [toTextPart(output.value)] : output.value;
    this.#addMarked([opening!, ...parts.map((part) => this.#removeMarks(part)), closing!]);
  }

  finish(): LanguageModelV4Prompt {
    this.#answerRemaining();
    if (this.#marked.size === 0) return this.#messages;
    // Marks and their explanation are the same in each call, so that the vendor's prompt cache matches.
    const unmarked = this.#messages.map((message) =>
      this.#marked.has(message) ? message : this.#removeMarksFromMessage(message),
    );
    const [first, ...rest] = unmarked;
    const { explanation } = this.#marks;
    if (first?.role !== "system") return [{ role: "system", content: explanation }, ...unmarked];
    return [{ ...first, content: `${first.content}\n\n${explanation}` }, ...rest];
  }

  #addMarked(content: ModelPart[]): void {
    const message: LanguageModelV4Message = { role: "user", content };
    this.#push(message);
    this.#marked.add(message);
  }

  /** System messages may contain anything. */
  #removeMarksFromMessage(message: LanguageModelV4Message): LanguageModelV4Message {
    switch (message.role) {
      case "system":
        return message;
      case "user":
        return { ...message, content: message.content.map((part) => this.#removeMarks(part)) };
      case "assistant":
        return { ...message, content: message.content.map((part) => this.#removeMarks(part)) };
      case "tool":
        return {
          ...message,
          content: message.content.map((part) =>
            part.type === "tool-result" ? { ...part, output: this.#removeMarksFromOutput(part.output) } : part,
          ),
        };
    }
  }

  /** Only texts: signed reasoning must stay unchanged, and a call's arguments are not text. */
  #removeMarks<P extends { type: string }>(part: P): P {
    return part.type === "text" && "text" in part
      ? { ...part, text: this.#marks.removeMarks(String(part.text)) }
      : part;
  }

  #removeMarksFromOutput(output: LanguageModelV4ToolResultOutput): LanguageModelV4ToolResultOutput {
    if (output.type === "text") return { ...output, value: this.#marks.removeMarks(output.value) };
    if (output.type !== "content") return output;
    return { ...output, value: output.value.map((part) => this.#removeMarks(part)) };
  }

  #push(message: LanguageModelV4Message): void {
    if (message.role !== "tool") this.#answerRemaining();
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

  #answerRemaining(): void {
    for (const id of this.#unanswered.keys()) this.#answer(id, NO_OUTPUT);
  }
}

function toTextPart(text: string): { type: "text"; text: string } {
  return { type: "text", text };
}
