/**
 * How a call ended, in the terms of the upstream contract.
 *
 * | the SDK's reason    | the response is                                                                    |
 * | ------------------- | ---------------------------------------------------------------------------------- |
 * | stop, tool-calls    | completed                                                                          |
 * | length              | incomplete: max_output_tokens                                                      |
 * | content-filter      | incomplete: content_filter; completed if the model has said its refusal            |
 * | error               | failed; a failed sample if the model wrote a call that its provider could not read |
 * | interrupted         | a broken stream                                                                    |
 * | other               | completed if there is output, else failed                                          |
 */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import type { UpstreamFinish } from "../upstream.ts";
import { createBrokenStreamError, createUnreadableOutputError, ProviderError } from "../provider/provider-error.ts";
import { isUnreadableOutputReason } from "../provider/error-kinds.ts";
import { asIndex } from "../provider/json.ts";

type FinishPart = Extract<LanguageModelV4StreamPart, { type: "finish" }>;

/** Throws a ProviderFault for an end that is none. */
export function readFinish(part: FinishPart, output: { isEmpty: boolean; hasRefused: boolean }): UpstreamFinish {
  const usage = readUsage(part.usage);
  const { unified, raw } = part.finishReason;
  // Whatever the SDK makes of it: what was written beside a call that cannot be read is no answer.
  if (isUnreadableOutputReason(raw)) throw createStoppedError(raw);
  const completed = { type: "finish", status: "completed", usage } as const;
  switch (unified) {
    case "stop":
    case "tool-calls":
      return completed;
    case "length":
      return { type: "finish", status: "incomplete", details: { reason: "max_output_tokens" }, usage };
    case "content-filter":
      if (output.hasRefused) return completed;
      return { type: "finish", status: "incomplete", details: { reason: "content_filter" }, usage };
    case "interrupted":
      throw createBrokenStreamError();
    case "other":
      if (!output.isEmpty) return completed;
      throw createStoppedError(raw);
    case "error":
      throw createStoppedError(raw);
  }
}

function createStoppedError(reason: string | undefined): ProviderError {
  if (isUnreadableOutputReason(reason)) return createUnreadableOutputError(`The provider stopped: ${reason}.`);
  const message = `The provider stopped${reason === undefined ? " and gave no reason" : `: ${reason.slice(0, 100)}`}.`;
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

/** What a provider does not count is 0. */
function readUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage {
  const input_tokens = asIndex(inputTokens.total) ?? 0;
  const output_tokens = asIndex(outputTokens.total) ?? 0;
  return {
    input_tokens,
    input_tokens_details: {
      cached_tokens: asIndex(inputTokens.cacheRead) ?? 0,
      cache_write_tokens: asIndex(inputTokens.cacheWrite) ?? 0,
    },
    output_tokens,
    output_tokens_details: { reasoning_tokens: asIndex(outputTokens.reasoning) ?? 0 },
    total_tokens: input_tokens + output_tokens,
  };
}
