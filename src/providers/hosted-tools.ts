/** The tools that a provider runs itself. This server runs the others, or rejects them. */
import type { Tool } from "../protocol/tool.ts";
import type { Provider } from "./catalog.ts";

type ToolType = Tool["type"];

const WEB_SEARCH = [
  "web_search",
  "web_search_2025_08_26",
  "web_search_preview",
  "web_search_preview_2025_03_11",
] as const;

/** The tools that produce an item; empty for items that every provider has. */
const TOOLS_OF_ITEMS: Readonly<Record<string, readonly ToolType[]>> = {
  web_search_call: WEB_SEARCH,
  file_search_call: ["file_search"],
  code_interpreter_call: ["code_interpreter"],
  image_generation_call: ["image_generation"],
  mcp_list_tools: ["mcp"],
  mcp_call: ["mcp"],
  mcp_approval_request: ["mcp"],
  mcp_approval_response: ["mcp"],
};

/** A Responses API provider is assumed to run every tool unless its entry lists them. */
export function runsTool(provider: Provider, type: ToolType): boolean {
  if (provider.kind !== "openai-responses") return false;
  return provider.hosted_tools === undefined || provider.hosted_tools.includes(type);
}

/** Whether the provider understands the items of a tool that it runs. */
export function understandsItem(provider: Provider, itemType: string): boolean {
  const tools = TOOLS_OF_ITEMS[itemType];
  return tools === undefined || tools.some((type) => runsTool(provider, type));
}
