/**
 * Rejects tools that nothing can run when the request arrives, naming the missing setting, instead of failing in the
 * middle of a run. A tool is run by the client, the provider or this server.
 */
import type { Config } from "../config/config.ts";
import { isContainerId } from "../protocol/id.ts";
import type { Tool } from "../protocol/tool.ts";
import type { ResolvedModel } from "./catalog.ts";
import { runsTool } from "./hosted-tools.ts";

/** The reason why this server cannot run a tool; undefined if it can. */
type ToolCheck<T extends Tool> = (tool: T, config: Config) => string | undefined;
type ToolChecks = { [Type in Tool["type"]]?: ToolCheck<Extract<Tool, { type: Type }>> };

type WebSearch = Extract<Tool, { search_content_types?: unknown }>;

function checkWebSearch(tool: WebSearch, config: Config): string | undefined {
  // The model learns that it cannot search. A client that always sends the tool must not be rejected.
  if (isOffline(tool)) return undefined;
  if (config.SEARXNG_URL === undefined && config.BRAVE_API_KEY === undefined && config.TAVILY_API_KEY === undefined) {
    return "This server has no search engine. Set SEARXNG_URL, BRAVE_API_KEY or TAVILY_API_KEY.";
  }
  if (tool.search_content_types !== undefined && !tool.search_content_types.includes("text")) {
    return "This server searches the web for text only.";
  }
  return undefined;
}

/** Whether the tool excludes the live web. This server keeps no copy of the web, so it has nothing else to search. */
export function isOffline(tool: WebSearch): boolean {
  return "external_web_access" in tool && !tool.external_web_access;
}

function checkCodeInterpreter(
  { container }: Extract<Tool, { type: "code_interpreter" }>,
  config: Config,
): string | undefined {
  if (!config.CODE_INTERPRETER) return "The code interpreter is switched off. Set CODE_INTERPRETER=true.";
  if (typeof container === "string") {
    return isContainerId(container) ? undefined : "'container' must be an ID that begins with 'cntr_'.";
  }
  if ((container.file_ids ?? []).length > 0) {
    return "This server gives no files to containers by 'container.file_ids'. Name them in the input, as 'input_file' with 'file_id'.";
  }
  if (container.network_policy?.type === "allowlist") {
    return "The code interpreter has no network. Leave 'container.network_policy' out.";
  }
  return undefined;
}

function checkImageGeneration(tool: Extract<Tool, { type: "image_generation" }>, config: Config): string | undefined {
  if (config.IMAGE_MODEL === undefined) return "This server has no model for images. Set IMAGE_MODEL.";
  if (tool.output_format === "gif" || tool.output_format === "svg" || tool.svg !== undefined) {
    return "This server's images are png, jpeg or webp.";
  }
  if (tool.input_image_mask?.file_id !== undefined) {
    return "This server keeps no files for 'input_image_mask.file_id'. Send the mask as 'image_url'.";
  }
  return undefined;
}

/** Checks for tools that the client does not run. */
const TOOL_CHECKS: ToolChecks = {
  web_search: checkWebSearch,
  web_search_2025_08_26: checkWebSearch,
  web_search_preview: checkWebSearch,
  web_search_preview_2025_03_11: checkWebSearch,
  mcp: checkMcp,
  code_interpreter: checkCodeInterpreter,
  image_generation: checkImageGeneration,
  file_search: () => "This server has no vector stores. Leave it to a provider that runs it.",
  shell: ({ environment }) =>
    environment == null || environment.type === "local"
      ? undefined
      : "This server has no containers for a shell. Use an environment of type 'local', or a provider that runs it.",
};

export interface UnavailableTool {
  index: number;
  type: string;
  reason: string;
}

function checkMcp(
  { server_label, server_url, connector_id, tunnel_id }: Extract<Tool, { type: "mcp" }>,
  { mcpServers }: Config,
): string | undefined {
  if (tunnel_id !== undefined) return "This server has no tunnels. Give a 'server_url'.";
  if (connector_id !== undefined) {
    if (mcpServers.connectors[connector_id] !== undefined) return undefined;
    return `The connector '${connector_id}' is not configured. The operator does it in MCP_SERVERS_FILE.`;
  }
  if (server_url !== undefined) {
    const protocol = URL.canParse(server_url) ? new URL(server_url).protocol : undefined;
    return protocol === "https:" || protocol === "http:" ? undefined : "'server_url' must be a URL of http or https.";
  }
  if (Object.hasOwn(mcpServers.servers, server_label)) return undefined;
  return `There is no 'server_url', and no server '${server_label}' is configured. The operator does it in MCP_SERVERS_FILE.`;
}

/** Returns the first tool that nothing can run. */
export function findFirstUnavailableTool(
  tools: readonly Tool[],
  { provider }: ResolvedModel,
  config: Config,
): UnavailableTool | undefined {
  // The simulator may ignore any tool: it tests clients without the services that tools need.
  if (provider.kind === "simulator") return undefined;
  for (const [index, tool] of tools.entries()) {
    if (runsTool(provider, tool.type)) continue;
    const check = TOOL_CHECKS[tool.type] as ToolCheck<Tool> | undefined;
    const reason = check?.(tool, config);
    if (reason !== undefined) return { index, type: tool.type, reason };
  }
  return undefined;
}
