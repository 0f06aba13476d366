/**
 * Echoes the request in the response, with defaults filled in (contract.md#response-object) and secrets removed: more
 * people read a response than wrote the request.
 */
import type { AnsweredContent, InputContent } from "../protocol/content.ts";
import type { CreateRequest } from "../protocol/create-request.ts";
import type { Response } from "../protocol/response.ts";
import type { ResponseTextConfig } from "../protocol/request-options.ts";
import type { ResponseTool, ResponseToolChoice, Tool } from "../protocol/tool.ts";
import { redactUrl, REDACTED } from "./redact-url.ts";

export function echoTool(tool: Tool): ResponseTool {
  switch (tool.type) {
    case "function":
      return {
        ...tool,
        description: tool.description ?? null,
        parameters: tool.parameters ?? null,
        strict: tool.strict ?? true,
      };
    case "custom":
      return { ...tool, format: tool.format ?? { type: "text" } };
    case "web_search":
    case "web_search_2025_08_26":
      return { filters: null, search_context_size: "medium", user_location: null, ...tool };
    case "web_search_preview":
    case "web_search_preview_2025_03_11":
      return { search_context_size: "medium", user_location: null, ...tool };
    case "file_search":
      return {
        filters: null,
        max_num_results: 20,
        ...tool,
        ranking_options: { ranker: "auto", score_threshold: 0, ...tool.ranking_options },
      };
    case "image_generation":
      return {
        background: "auto",
        moderation: "auto",
        output_compression: 100,
        output_format: "png",
        quality: "auto",
        size: "auto",
        ...tool,
      };
    case "code_interpreter":
      return typeof tool.container === "string" ? tool : { ...tool, container: withoutSecrets(tool.container) };
    case "shell":
      return tool.environment?.type === "container_auto"
        ? { ...tool, environment: withoutSecrets(tool.environment) }
        : tool;
    case "mcp":
      return echoMcpTool(tool);
    default:
      return tool;
  }
}

/**
 * Omits `authorization`, shows only the names of headers, and reduces a URL to its origin, because the path may be a
 * secret.
 */
function echoMcpTool(tool: Extract<Tool, { type: "mcp" }>): ResponseTool {
  const { authorization: _, headers, server_url, ...rest } = tool;
  const names = headers == null ? null : Object.keys(headers);
  return {
    allowed_tools: null,
    require_approval: "always",
    ...rest,
    ...(server_url !== undefined && { server_url: redactUrl(server_url) }),
    headers: names && Object.fromEntries(names.map((name) => [name, REDACTED])),
  };
}

interface ContainerSettings {
  network_policy?:
    | { type: "disabled" }
    | {
        type: "allowlist";
        allowed_domains: string[];
        domain_secrets?: { domain: string; name: string; value: string }[];
      };
}

function withoutSecrets<C extends ContainerSettings>(container: C): C {
  const policy = container.network_policy;
  if (policy?.type !== "allowlist" || policy.domain_secrets === undefined) return container;
  const domain_secrets = policy.domain_secrets.map((secret) => ({ ...secret, value: REDACTED }));
  return { ...container, network_policy: { ...policy, domain_secrets } };
}

/** The published type has one name for every web search choice. */
export function echoToolChoice(choice: CreateRequest["tool_choice"]): ResponseToolChoice {
  if (choice == null || typeof choice === "string") return choice ?? "auto";
  switch (choice.type) {
    case "web_search":
    case "web_search_2025_08_26":
      return { type: "web_search_preview" };
    default:
      return choice;
  }
}

export function echoText(text: CreateRequest["text"]): ResponseTextConfig {
  const verbosity = text?.verbosity ?? "medium";
  const format = text?.format ?? { type: "text" };
  if (format.type !== "json_schema") return { format, verbosity };
  const { description = null, strict, ...rest } = format;
  return { format: { ...rest, description, ...(strict !== undefined && { strict }) }, verbosity };
}

export function echoReasoning(reasoning: CreateRequest["reasoning"]): Response["reasoning"] {
  const { context = null, effort = null, summary = null, mode } = reasoning ?? {};
  return { context, effort, ...(mode != null && { mode }), summary };
}

/** These two appear only if the request set them, with their resolved values. */
export function echoOptions(
  request: Pick<CreateRequest, "image" | "prompt_cache_options">,
): Pick<Response, "image" | "prompt_cache_options"> {
  const { prompt_cache_options: cache, image } = request;
  const compression = image?.context_compression;
  return {
    ...(cache != null && {
      prompt_cache_options: {
        mode: cache.mode ?? "implicit",
        ttl: cache.ttl ?? "30m",
        ...(cache.comparison_response_id != null && { comparison_response_id: cache.comparison_response_id }),
      },
    }),
    ...(compression != null && compression !== "auto" && { image: { context_compression: compression } }),
  };
}

export function echoPrompt(prompt: CreateRequest["prompt"]): Response["prompt"] {
  if (prompt == null) return null;
  const variables = Object.entries(prompt.variables ?? {}).map(
    ([name, value]) => [name, typeof value === "string" ? value : echoContent(value)] as const,
  );
  return {
    id: prompt.id,
    variables: prompt.variables == null ? null : Object.fromEntries(variables),
    version: prompt.version ?? null,
  };
}

/** Drops nulls that a request may contain and a response may not. */
export function echoContent(part: InputContent): AnsweredContent {
  const stated = Object.fromEntries(Object.entries(part).filter(([, field]) => field != null));
  const shown = part.type === "input_image" ? { detail: "auto", ...stated } : stated;
  return shown as unknown as AnsweredContent;
}
