/** Messages as a vendor takes them: what it refuses in their order, or for being blank, is put right. */
import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultOutput } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";

type MessageOf<R extends LanguageModelV4Message["role"]> = Extract<LanguageModelV4Message, { role: R }>;
type UserPart = MessageOf<"user">["content"][number];

/** Between a tool's output and a user who went on without waiting for the model. */
const NOTED_MESSAGE: LanguageModelV4Message = { role: "assistant", content: [{ type: "text", text: "Noted." }] };
/** After an assistant's last word, to which the vendor would not answer by itself. */
const CONTINUE_MESSAGE: LanguageModelV4Message = { role: "user", content: [{ type: "text", text: "Continue." }] };
/** Of a tool that said nothing. */
const NO_OUTPUT_TEXT = "(no output)";

export function arrangeMessages(prompt: LanguageModelV4Prompt, traits: VendorTraits): LanguageModelV4Prompt {
  const texts = traits.blank_text === "left_out" ? prompt.flatMap(removeBlankTexts) : prompt;
  const shown = traits.tool_images === "as_user" ? texts.flatMap(moveFilesToUserMessage) : texts;
  const arranged: LanguageModelV4Prompt = [];
  for (const message of shown) {
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

/** For a call that continues no text of the assistant's. */
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
      // Reasoning that nothing came of is no message, unless the vendor has signed it.
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

/** The outputs as texts, and what else was in them as a user's. */
function moveFilesToUserMessage(message: LanguageModelV4Message): LanguageModelV4Message[] {
  if (message.role !== "tool") return [message];
  const files: UserPart[] = [];
  const content = message.content.map((part) => {
    if (part.type !== "tool-result" || part.output.type !== "content") return part;
    const { value } = part.output;
    const own = value.filter((each) => each.type === "file");
    const texts = value.flatMap((each) => (each.type === "text" ? [each.text] : []));
    if (own.length > 0) {
      files.push({ type: "text", text: `From the output of ${part.toolName}:` });
      for (const file of own) files.push(file);
      texts.push("(images and files are in the next message)");
    }
    return { ...part, output: { type: "text" as const, value: texts.join("\n") } };
  });
  const shown: LanguageModelV4Message = { ...message, content };
  return files.length === 0 ? [shown] : [shown, { role: "user", content: files }];
}

/** Two messages of one role, one after the other. */
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

/** As one text where two meet: some chat templates take no list of parts. */
function joinParts(first: readonly UserPart[], second: readonly UserPart[]): UserPart[] {
  const end = first.at(-1);
  const [start, ...rest] = second;
  if (end?.type !== "text" || start?.type !== "text") return [...first, ...second];
  return [...first.slice(0, -1), { ...end, text: `${end.text}\n\n${start.text}` }, ...rest];
}
