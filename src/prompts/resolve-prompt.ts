/** Turns the request as sent into the request that is recorded and run, with its prompt filled in. */
import { missingParameter } from "../lifecycle/errors/api-error.ts";
import type { CreateRequest, ResolvedRequest } from "../protocol/create-request.ts";
import { fillTemplate } from "./fill-template.ts";
import type { PromptCatalog } from "./prompt-catalog.ts";

/**
 * Values of the request override values of the prompt, parameter by parameter; null counts as unset. Throws the
 * contract's 404 for an unknown prompt and 400 for wrong variables.
 */
export function resolvePrompt(prompts: PromptCatalog, request: CreateRequest): ResolvedRequest {
  const { prompt } = request;
  if (prompt == null) return withModel(request);
  const template = prompts.find(prompt.id, prompt.version);
  const messages = fillTemplate(template, prompt.variables ?? {}, prompts.maxLength);
  const requested = Object.fromEntries(Object.entries(request).filter(([, value]) => value != null)) as CreateRequest;
  return {
    ...withModel({ ...template.defaults, ...requested }),
    instructions: request.instructions ?? (messages.length === 0 ? null : messages),
    prompt: { ...prompt, version: template.version },
  };
}

function withModel<R extends CreateRequest>(request: R): R & { model: string } {
  const { model } = request;
  if (model === undefined) throw missingParameter("model");
  return { ...request, model };
}
