/** Repairs an order of messages that a vendor rejects, and blank texts. */
import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultOutput } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";

type MessageOf<R extends LanguageModelV4Message["role"]> = Extract<LanguageModelV4Message, { role: R }>;
type UserPart = MessageOf<"user">["content"][number];

/** Separates a tool's output from a user message that arrived before the model answered. */
const NOTED_MESSAGE: LanguageModelV4Message = { role: "assistant", content: [{ type: "text", text: "Noted." }] };
/** Follows a final assistant message, which the vendor would not answer. */
const CONTINUE_MESSAGE: LanguageModelV4Message = { role: "user", content: [{ type: "text", text: "Continue." }] };
/** Replaces the empty output of a tool. */
const NO_OUTPUT_TEXT = "(no output)";

export function arrangeMessages(prompt: LanguageModelV4Prompt, traits: VendorTraits): LanguageModelV4Prompt {
  const texts = traits.blank_text === "left_out" ? prompt.flatMap(removeBlankTexts) : prompt;
  const adapted = traits.tool_images === "as_user" ? texts.flatMap(moveFilesToUserMessage) : texts;
  const arranged: LanguageModelV4Prompt = [];
  for (const message of adapted) {
    const last = arranged.at(-1);
    if (traits.same_role === "joined" && last?.role === message.role && last.role !== "system") {
      arranged[arranged.length - 1] = joinMessages(last, message);
      continue;
    }
    if (traits.user_after_tool === "separated" && last?.role === "tool" && message.role === "user")
      arranged.push(NOTED_MESSAGE);
    arranged.push(message);
  }
  return arranged;
}

/** Only for calls that do not continue an assistant text. */
export function endWithUserMessage(prompt: LanguageModelV4Prompt, traits: VendorTraits): LanguageModelV4Prompt {
  const isAnswered = traits.final_assistant === "answered" && prompt.at(-1)?.role === "assistant";
  return isAnswered ? [...prompt, CONTINUE_MESSAGE] : prompt;
}

function isBlank(part: { type: string }): boolean {
  return part.type === "text" && "text" in part && String(part.text).trim() === "";
}

function removeBlankTexts(message: LanguageModelV4Message): LanguageModelV4Message[] {
  switch (message.role) {
    case "system":
      return message.content.trim() === "" ? [] : [message];
    case "user": {
      const content = message.content.filter((part) => !isBlank(part));
      return content.length === 0 ? [] : [{ ...message, content }];
    }
    case "assistant": {
      const content = message.content.filter((part) => !isBlank(part));
      // Reasoning without text or calls is dropped, unless the vendor has signed it.
      const isNothing = content.every((part) => part.type === "reasoning" && part.providerOptions === undefined);
      return isNothing ? [] : [{ ...message, content }];
    }
    case "tool":
      return [
        {
          ...message,
          content: message.content.map((part) =>
            part.type === "tool-result" ? { ...part, output: ensureOutputText(part.output) } : part,
          ),
        },
      ];
  }
}

function ensureOutputText(output: LanguageModelV4ToolResultOutput): LanguageModelV4ToolResultOutput {
  if (output.type === "text" && output.value.trim() === "") return { ...output, value: NO_OUTPUT_TEXT };
  if (output.type !== "content") return output;
  const value = output.value.filter((part) => !isBlank(part));
  return value.length === 0 ? { type: "text", value: NO_OUTPUT_TEXT } : { ...output, value };
}

/** Keeps the texts of tool outputs, and moves images and files to a user message after them. */
function moveFilesToUserMessage(message: LanguageModelV4Message): LanguageModelV4Message[] {
  if (message.role !== "tool") return [message];
  const files: UserPart[] = [];
  const content = message.content.map((part) => {
    if (part.type !== "tool-result" || part.output.type !== "content") return part;
    const { value } = part.output;
    const attached = value.filter((each) => each.type === "file");
    const texts = value.flatMap((each) => (each.type === "text" ? [each.text] : []));
    if (attached.length > 0) {
      files.push({ type: "text", text: `From the output of ${part.toolName}:` });
      for (const file of attached) files.push(file);
      texts.push("(images and files are in the next message)");
    }
    return { ...part, output: { type: "text" as const, value: texts.join("\n") } };
  });
  const adapted: LanguageModelV4Message = { ...message, content };
  return files.length === 0 ? [adapted] : [adapted, { role: "user", content: files }];
}

/** Joins two consecutive messages of the same role. */
function joinMessages(first: LanguageModelV4Message, second: LanguageModelV4Message): LanguageModelV4Message {
  if (first.role === "user" && second.role === "user") {
    return { ...first, content: joinParts(first.content, second.content) };
  }
  if (first.role === "assistant" && second.role === "assistant") {
    return { ...first, content: [...first.content, ...second.content] };
  }
  if (first.role === "tool" && second.role === "tool") {
    return { ...first, content: [...first.content, ...second.content] };
  }
  return second;
}

/** Joins adjacent texts into one part: some chat templates do not accept lists of parts. */
function joinParts(first: readonly UserPart[], second: readonly UserPart[]): UserPart[] {
  const end = first.at(-1);
  const [start, ...rest] = second;
  if (end?.type !== "text" || start?.type !== "text") return [...first, ...second];
  return [...first.slice(0, -1), { ...end, text: `${end.text}\n\n${start.text}` }, ...rest];
}
