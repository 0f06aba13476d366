/** Tools and tool choices of each kind that openai 7.59.0 lets a client send. See items.ts. */
import type { ResponseCreateParams, Tool } from "openai/resources/responses/responses";
import type { Kinds } from "./kinds.ts";

export const TOOLS: Kinds<Tool> = {
  function: [
    { type: "function", name: "f", parameters: { type: "object" }, strict: true, description: "d" },
    {
      type: "function",
      name: "f",
      parameters: null,
      strict: null,
      allowed_callers: ["programmatic"],
      async: true,
      defer_loading: true,
      output_schema: { type: "object" },
    },
  ],
  file_search: [
    {
      type: "file_search",
      vector_store_ids: ["vs_1"],
      max_num_results: 5,
      filters: { type: "and", filters: [{ type: "in", key: "a", value: ["b", 1] }] },
      ranking_options: { hybrid_search: { embedding_weight: 1, text_weight: 2 }, ranker: "auto", score_threshold: 0.5 },
    },
    { type: "file_search", vector_store_ids: [], filters: { type: "eq", key: "a", value: true } },
  ],
  computer: [{ type: "computer" }],
  computer_use_preview: [
    { type: "computer_use_preview", display_height: 768, display_width: 1024, environment: "linux" },
  ],
  web_search: [
    {
      type: "web_search",
      external_web_access: false,
      filters: { allowed_domains: ["example.org"] },
      search_context_size: "high",
      user_location: { type: "approximate", city: "Oslo", country: null },
    },
  ],
  web_search_2025_08_26: [{ type: "web_search_2025_08_26", filters: null, user_location: null }],
  mcp: [
    {
      type: "mcp",
      server_label: "s",
      server_url: "https://example.org",
      server_description: "d",
      authorization: "secret",
      headers: { "X-Key": "secret" },
      allowed_callers: ["direct"],
      defer_loading: true,
      allowed_tools: { read_only: true, tool_names: ["t"] },
      require_approval: { never: { tool_names: ["t"] } },
    },
    {
      type: "mcp",
      server_label: "s",
      connector_id: "connector_gmail",
      allowed_tools: ["t"],
      require_approval: "never",
    },
    { type: "mcp", server_label: "s", tunnel_id: "t", headers: null, allowed_tools: null, require_approval: null },
  ],
  code_interpreter: [
    { type: "code_interpreter", container: "cntr_1" },
    {
      type: "code_interpreter",
      container: {
        type: "auto",
        file_ids: ["file_1"],
        memory_limit: "4g",
        network_policy: {
          type: "allowlist",
          allowed_domains: ["example.org"],
          domain_secrets: [{ domain: "example.org", name: "KEY", value: "secret" }],
        },
      },
    },
  ],
  programmatic_tool_calling: [{ type: "programmatic_tool_calling" }],
  image_generation: [
    {
      type: "image_generation",
      action: "edit",
      background: "opaque",
      complexity: "low",
      frame_count: 2,
      frame_duration_ms: 9,
      input_fidelity: null,
      input_image_mask: { file_id: "f" },
      model: "gpt-image-2",
      moderation: "low",
      output_compression: 50,
      output_format: "gif",
      partial_images: 3,
      quality: "high",
      size: "1024x1024",
      svg: { model: "m", reasoning: { effort: "low" } },
    },
  ],
  local_shell: [{ type: "local_shell" }],
  shell: [
    { type: "shell", environment: { type: "local" } },
    { type: "shell", environment: { type: "container_reference", container_id: "cntr_1" } },
    {
      type: "shell",
      environment: {
        type: "container_auto",
        network_policy: { type: "disabled" },
        skills: [
          { type: "skill_reference", skill_id: "skill_1", version: "2" },
          {
            type: "inline",
            name: "n",
            description: "d",
            source: { type: "base64", media_type: "application/zip", data: "AA==" },
          },
        ],
      },
    },
  ],
  custom: [
    { type: "custom", name: "c", description: "d", format: { type: "grammar", definition: "a", syntax: "lark" } },
    { type: "custom", name: "c", format: { type: "text" }, async: true, defer_loading: true, allowed_callers: null },
  ],
  namespace: [
    {
      type: "namespace",
      name: "n",
      description: "d",
      tools: [
        { type: "function", name: "f", parameters: { a: 1 }, strict: null },
        { type: "custom", name: "c" },
      ],
    },
  ],
  tool_search: [{ type: "tool_search", description: "d", execution: "client", parameters: { a: 1 } }],
  web_search_preview: [
    {
      type: "web_search_preview",
      search_content_types: ["text", "image"],
      search_context_size: "low",
      user_location: { type: "approximate", timezone: "Europe/Oslo", region: "r" },
    },
  ],
  web_search_preview_2025_03_11: [{ type: "web_search_preview_2025_03_11" }],
  apply_patch: [{ type: "apply_patch", allowed_callers: ["direct"] }],
};

export const CHOICES: NonNullable<ResponseCreateParams["tool_choice"]>[] = [
  ...(["none", "auto", "required"] as const),
  { type: "function", name: "f" },
  { type: "custom", name: "c" },
  { type: "mcp", server_label: "s", name: null },
  { type: "mcp" },
  { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "f" }] },
  ...(["apply_patch", "shell", "programmatic_tool_calling"] as const).map((type) => ({ type })),
  ...(["file_search", "computer", "computer_use", "computer_use_preview", "image_generation"] as const).map((type) => ({
    type,
  })),
  ...(["code_interpreter", "web_search_preview", "web_search_preview_2025_03_11"] as const).map((type) => ({ type })),
];
