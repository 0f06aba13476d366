/** A response as it begins, with every default the hosted API echoes (contract 02). */
import type { CreateRequest } from "../protocol/create-request.ts";
import type { LifecycleEventDraft } from "../protocol/event.ts";
import type { ResponseInStatus } from "../protocol/response.ts";
import type { Tool } from "../protocol/tool.ts";

/** `createdAt` is in unix seconds. */
export function newResponse(
  id: string,
  request: CreateRequest,
  createdAt: number,
): ResponseInStatus<"queued"> | ResponseInStatus<"in_progress"> {
  const background = request.background ?? false;
  const fields = {
    background,
    completed_at: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    model: request.model,
    moderation: null,
    output: [] as [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: 0,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: null,
    prompt_cache_retention: null,
    reasoning: { context: null, effort: null, summary: null, ...request.reasoning },
    safety_identifier: null,
    service_tier: request.service_tier ?? "auto",
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: {
      format: request.text?.format ?? ({ type: "text" } as const),
      verbosity: request.text?.verbosity ?? "medium",
    },
    tool_choice: request.tool_choice ?? "auto",
    tools: (request.tools ?? []).map(withToolDefaults),
    top_logprobs: 0,
    top_p: request.top_p ?? 1,
    truncation: "disabled" as const,
    usage: null,
    user: null,
    metadata: request.metadata ?? {},
  };
  const head = { id, object: "response", created_at: createdAt } as const;
  return background ? { ...head, status: "queued", ...fields } : { ...head, status: "in_progress", ...fields };
}

/** Tools are echoed with their defaults filled in: functions are strict (contract 02, `tools`). */
function withToolDefaults(tool: Tool): Tool {
  return {
    type: "function",
    name: tool.name,
    description: tool.description ?? null,
    parameters: tool.parameters ?? null,
    strict: tool.strict ?? true,
  };
}

/** The events every log begins with (contract 01 §1.3). A background response is `in_progress` once a worker has it. */
export function openingEvents(response: ReturnType<typeof newResponse>): LifecycleEventDraft[] {
  return [
    { type: "response.created", response },
    { type: response.status === "queued" ? "response.queued" : "response.in_progress", response },
  ];
}
