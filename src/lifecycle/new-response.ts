/** A new response, with every default that the hosted API echoes (contract.md#response-object). */
import { echoOptions, echoPrompt, echoReasoning, echoText, echoTool, echoToolChoice } from "./echo.ts";
import type { ResolvedRequest } from "../protocol/create-request.ts";
import type { LifecycleEventDraft } from "../protocol/event.ts";
import type { ResponseInStatus } from "../protocol/response.ts";
/** `createdAt` is in Unix seconds. */
export function newResponse(
  id: string,
  request: ResolvedRequest,
  createdAt: number,
): ResponseInStatus<"queued"> | ResponseInStatus<"in_progress"> {
  const background = request.background ?? false;
  const { conversation } = request;
  const fields = {
    background,
    completed_at: null,
    access_programs: request.access_programs?.cyber == null ? null : { cyber: request.access_programs.cyber },
    conversation: typeof conversation === "string" ? { id: conversation } : (conversation ?? null),
    error: null,
    frequency_penalty: request.frequency_penalty ?? 0,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    model: request.model,
    // `moderation` holds results, not the request's settings.
    moderation: null,
    output: [] as [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: request.presence_penalty ?? 0,
    previous_response_id: request.previous_response_id ?? null,
    prompt: echoPrompt(request.prompt),
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning: echoReasoning(request.reasoning),
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? "auto",
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: echoText(request.text),
    tool_choice: echoToolChoice(request.tool_choice),
    tool_usage: NO_TOOL_USAGE,
    tools: (request.tools ?? []).map(echoTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? "disabled",
    usage: null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
    ...echoOptions(request),
  };
  const head = { id, object: "response", created_at: createdAt } as const;
  return background ? { ...head, status: "queued", ...fields } : { ...head, status: "in_progress", ...fields };
}

const NO_TOOL_USAGE = {
  image_gen: {
    input_tokens: 0,
    input_tokens_details: { image_tokens: 0, text_tokens: 0 },
    output_tokens: 0,
    output_tokens_details: { image_tokens: 0, text_tokens: 0 },
    total_tokens: 0,
  },
  web_search: { num_requests: 0 },
};

/**
 * The opening events of every log (contract.md#lifecycle-events). A background response becomes `in_progress` when a
 * worker takes it.
 */
export function createOpeningEvents(response: ReturnType<typeof newResponse>): LifecycleEventDraft[] {
  return [
    { type: "response.created", response },
    { type: response.status === "queued" ? "response.queued" : "response.in_progress", response },
  ];
}
