/** This server's own attributes. Those of the semantic conventions are used as they are. */
import {
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
} from "@opentelemetry/semantic-conventions/incubating";
import type { Usage } from "../../protocol/response.ts";
import type { Reported } from "../channels.ts";

/** By name. Undefined values are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export const ATTR_PROJECT = "background_responses.project";
export const ATTR_RESPONSE_ID = "background_responses.response.id";
export const ATTR_RESPONSE_STATUS = "background_responses.response.status";
export const ATTR_ATTEMPT = "background_responses.attempt";
export const ATTR_ATTEMPT_END = "background_responses.attempt.end";
export const ATTR_WORKER = "background_responses.worker";
export const ATTR_TURN = "background_responses.turn";
export const ATTR_TOOL = "background_responses.tool";
export const ATTR_COST_USD = "background_responses.cost_usd";

/** The value of `error.type` for an error without a code, by the conventions. */
export const OTHER_ERROR = "_OTHER";

export function attributesOf({ responseId, project }: Reported): Attributes {
  return { [ATTR_RESPONSE_ID]: responseId, [ATTR_PROJECT]: project };
}

export function usageAttributes(usage: Usage | undefined): Attributes {
  if (usage === undefined) return {};
  return {
    [ATTR_GEN_AI_USAGE_INPUT_TOKENS]: usage.input_tokens,
    [ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: usage.input_tokens_details.cached_tokens,
    [ATTR_GEN_AI_USAGE_OUTPUT_TOKENS]: usage.output_tokens,
    [ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: usage.output_tokens_details.reasoning_tokens,
  };
}
