/** From the request that was sent to the one that is recorded and run: what its prompt says is filled in. */
import { missingParameter } from "../lifecycle/errors/api-error.ts";
import type { CreateRequest, ResolvedRequest } from "../protocol/create-request.ts";
import { fillTemplate } from "./fill-template.ts";
import type { PromptCatalog } from "./prompt-catalog.ts";

/**
 * What the request says itself comes before what the prompt says, parameter by parameter; null is not said. Throws the
 * contract's 404 for a prompt that there is not, and its 400 for variables that are not the prompt's.
 */
export function resolvePrompt(prompts: PromptCatalog, request: CreateRequest): ResolvedRequest {
  const { prompt } = request;
  if (prompt == null) return withModel(request);
  const template = prompts.find(prompt.id, prompt.version);
  const messages = fillTemplate(template, prompt.variables ?? {}, prompts.maxLength);
  const said = Object.fromEntries(Object.entries(request).filter(([, value]) => value != null)) as CreateRequest;
  return {
    ...withModel({ ...template.defaults, ...said }),
    instructions: request.instructions ?? (messages.length === 0 ? null : messages),
    prompt: { ...prompt, version: template.version },
  };
}

function withModel<R extends CreateRequest>(request: R): R & { model: string } {
  const { model } = request;
  if (model === undefined) throw missingParameter("model");
  return { ...request, model };
}
