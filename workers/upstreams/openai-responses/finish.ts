/** Reads how a provider's response ended. */
import type { ProviderReport } from "../../../src/lifecycle/lifecycle-events.ts";
import {
  incompleteDetailsSchema,
  responseModerationSchema,
  toolUsageSchema,
  type Usage,
} from "../../../src/protocol/response.ts";
import { serviceTierSchema } from "../../../src/protocol/request-options.ts";
import type { PostponedFinish, UpstreamFinish } from "../upstream.ts";
import { describeProviderError } from "../http/provider-error.ts";
import { asIndex, isObject, type ProviderEvent } from "../http/json.ts";

type Finish = Exclude<UpstreamFinish, PostponedFinish>;

const ENDINGS: Record<string, Finish["status"]> = {
  "response.completed": "completed",
  "response.incomplete": "incomplete",
  "response.failed": "failed",
  "response.cancelled": "failed",
  // The Realtime API's name. The response's status says how it ended.
  "response.done": "completed",
};

/** Undefined if the event does not end the response. */
export function readFinish(event: ProviderEvent): Finish | undefined {
  // The SDK throws for named or nested `error` events; an unnamed flat one arrives as an event.
  if (event.type === "error") return { type: "finish", status: "failed", error: describeProviderError(event) };
  const ending = ENDINGS[event.type];
  if (ending === undefined) return undefined;
  const response = isObject(event["response"]) ? event["response"] : {};
  const report = readReport(response);
  const serviceTier = serviceTierSchema.safeParse(response["service_tier"]).data;
  // Some servers send `response.completed` for every status. The status is correct.
  switch (readStatedEnding(response["status"]) ?? ending) {
    case "completed":
      return { type: "finish", status: "completed", usage: readUsage(response["usage"]), serviceTier, report };
    case "incomplete": {
      const details = incompleteDetailsSchema.safeParse(response["incomplete_details"]);
      return {
        type: "finish",
        status: "incomplete",
        details: details.success ? details.data : { reason: "max_output_tokens" },
        usage: readUsage(response["usage"]),
        serviceTier,
        report,
      };
    }
    case "failed": {
      const usage = isObject(response["usage"]) ? readUsage(response["usage"]) : undefined;
      return { type: "finish", status: "failed", error: describeProviderError(response["error"]), usage, report };
    }
  }
}

function readStatedEnding(status: unknown): Finish["status"] | undefined {
  return Object.values(ENDINGS).find((ending) => ending === status);
}

/** Keeps each part that matches the published type; many servers send some of them, or none. */
function readReport(response: Record<string, unknown>): ProviderReport | undefined {
  const tools = isObject(response["tool_usage"]) ? response["tool_usage"] : {};
  const { image_gen, web_search } = toolUsageSchema.shape;
  const images = image_gen.safeParse(tools["image_gen"]).data;
  const searches = web_search.safeParse(tools["web_search"]).data;
  const moderation = responseModerationSchema.safeParse(response["moderation"]).data;
  if (images === undefined && searches === undefined && moderation === undefined) return undefined;
  return {
    toolUsage: { ...(images && { image_gen: images }), ...(searches && { web_search: searches }) },
    ...(moderation && { moderation }),
  };
}

/** Missing counts are 0. */
function readUsage(value: unknown): Usage {
  const usage = isObject(value) ? value : {};
  const input = isObject(usage["input_tokens_details"]) ? usage["input_tokens_details"] : {};
  const output = isObject(usage["output_tokens_details"]) ? usage["output_tokens_details"] : {};
  const input_tokens = asIndex(usage["input_tokens"]) ?? 0;
  const output_tokens = asIndex(usage["output_tokens"]) ?? 0;
  return {
    input_tokens,
    input_tokens_details: {
      cached_tokens: asIndex(input["cached_tokens"]) ?? 0,
      cache_write_tokens: asIndex(input["cache_write_tokens"]) ?? 0,
    },
    output_tokens,
    output_tokens_details: { reasoning_tokens: asIndex(output["reasoning_tokens"]) ?? 0 },
    total_tokens: asIndex(usage["total_tokens"]) ?? input_tokens + output_tokens,
  };
}

/** The finish of a response whose provider sent no terminal event. */
export const FINISH_WITHOUT_USAGE: Finish = { type: "finish", status: "completed", usage: readUsage(undefined) };
