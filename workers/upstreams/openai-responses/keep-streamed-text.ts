/**
 * A done item with its streamed text. Clients have already read that text, so a different final text (trimmed, cut,
 * repeated) would give them two answers.
 */
import type { OutputItem } from "../../../src/protocol/item.ts";

export function keepStreamedText(item: OutputItem, streamed: OutputItem): OutputItem {
  switch (item.type) {
    case "message": {
      if (streamed.type !== "message" || streamed.content.length === 0) return item;
      const content = streamed.content.map((part, i) => {
        const final = item.content[i];
        if (part.type !== "output_text" || final?.type !== "output_text") return part;
        return { ...final, text: part.text };
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
