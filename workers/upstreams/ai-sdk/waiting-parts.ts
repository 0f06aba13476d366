/** Parts that came beside a call that is being written, until its end. */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { ProviderError } from "../provider/provider-error.ts";

/** Far more than any model writes beside a call. */
const MAX_PARTS = 100_000;
/** Parts that write. All others say nothing that could come too early. */
export const CONTENT_PART_TYPE =
  /^(?:text|reasoning)-(?:start|delta|end)$|^tool-(?:input-start|input-delta|call)$|^(?:source|file)$/;

export class WaitingParts {
  #parts: LanguageModelV4StreamPart[] = [];

  add(part: LanguageModelV4StreamPart): void {
    if (!CONTENT_PART_TYPE.test(part.type) || this.#parts.push(part) <= MAX_PARTS) return;
    const message = `The provider wrote more than ${MAX_PARTS} parts beside a call that it did not end.`;
    throw new ProviderError(responseError("server_error", message), { retryable: false });
  }

  takeAll(): LanguageModelV4StreamPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }
}
