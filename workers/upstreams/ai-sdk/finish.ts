/**
 * Reads how a call ended.
 *
 * | SDK finish reason | finish                                                                           |
 * | ----------------- | -------------------------------------------------------------------------------- |
 * | stop, tool-calls  | completed                                                                        |
 * | length            | incomplete: max_output_tokens                                                    |
 * | content-filter    | incomplete: content_filter; completed if the model wrote a refusal               |
 * | error             | failed; unreadable output if the model wrote a call that its vendor cannot parse |
 * | interrupted       | a broken stream                                                                  |
 * | other             | completed if there is output, else failed                                        |
 */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import type { UpstreamFinish } from "../upstream.ts";
import { createBrokenStreamError, createUnreadableOutputError, ProviderError } from "../http/provider-error.ts";
import { isUnreadableOutputReason } from "../http/error-kinds.ts";
import { asIndex } from "../http/json.ts";

type FinishPart = Extract<LanguageModelV4StreamPart, { type: "finish" }>;

/** Throws a ProviderError if the reason is an error. */
export function readFinish(part: FinishPart, output: { isEmpty: boolean; hasRefused: boolean }): UpstreamFinish {
  const usage = readUsage(part.usage);
  const { unified, raw } = part.finishReason;
  // Regardless of the SDK's reason: text beside an unreadable call is not an answer.
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
  const message = `The provider stopped${reason === undefined ? " without giving a reason" : `: ${reason.slice(0, 100)}`}.`;
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

/** Missing counts are 0. */
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
