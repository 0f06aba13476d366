/**
 * An item that is done, with the words that were streamed of it: clients have read them by then, and one that is told
 * another text at the end (trimmed, cut, repeated) is told two answers.
 */
import type { OutputItem } from "../../../src/protocol/item.ts";

export function keepStreamedText(item: OutputItem, streamed: OutputItem): OutputItem {
  switch (item.type) {
    case "message": {
      if (streamed.type !== "message" || streamed.content.length === 0) return item;
      const content = streamed.content.map((part, i) => {
        const told = item.content[i];
        if (part.type !== "output_text" || told?.type !== "output_text") return part;
        return { ...told, text: part.text };
      });
      return { ...item, content };
    }
    case "reasoning": {
      if (streamed.type !== "reasoning") return item;
      const content = streamed.content?.length ? { content: streamed.content } : {};
      return { ...item, ...(streamed.summary.length > 0 && { summary: streamed.summary }), ...content };
    }
    case "function_call":
      return streamed.type === item.type ? { ...item, arguments: streamed.arguments } : item;
    case "mcp_call":
      return streamed.type === item.type ? { ...item, arguments: streamed.arguments } : item;
    case "custom_tool_call":
      return streamed.type === item.type ? { ...item, input: streamed.input } : item;
    case "code_interpreter_call":
      return streamed.type === item.type ? { ...item, code: streamed.code } : item;
    case "shell_call":
      return streamed.type === item.type
        ? { ...item, action: { ...item.action, commands: streamed.action.commands } }
        : item;
    default:
      return item;
  }
}
