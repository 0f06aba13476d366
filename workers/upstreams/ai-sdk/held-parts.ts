/** Holds stream parts that arrive while a call is being written, until the call ends. */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { ProviderError } from "../http/provider-error.ts";

/** Far more than any model writes during a call. */
const MAX_PARTS = 100_000;
/** Parts with content. Other parts have no order to keep. */
export const CONTENT_PART_TYPE =
  /^(?:text|reasoning)-(?:start|delta|end)$|^tool-(?:input-start|input-delta|call)$|^(?:source|file)$/;

export class HeldParts {
  #parts: LanguageModelV4StreamPart[] = [];

  add(part: LanguageModelV4StreamPart): void {
    if (!CONTENT_PART_TYPE.test(part.type) || this.#parts.push(part) <= MAX_PARTS) return;
    const message = `The provider sent more than ${MAX_PARTS} parts during a call that it did not finish.`;
    throw new ProviderError(responseError("server_error", message), { retryable: false });
  }

  takeAll(): LanguageModelV4StreamPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }
}
