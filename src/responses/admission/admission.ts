/** Admission: from a valid request to a response that will end, even if any process crashes. */
import type { Config } from "../../config/config.ts";
import { checkCompletionWindow } from "../../lifecycle/completion-window.ts";
import { toolUnavailable } from "../../lifecycle/errors/state.ts";
import type { PromptCatalog } from "../../prompts/prompt-catalog.ts";
import { resolvePrompt } from "../../prompts/resolve-prompt.ts";
import type { ResolvedRequest } from "../../protocol/create-request.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { findFirstUnavailableTool } from "../../providers/unavailable-tools.ts";
import { resolveInputReferences } from "../reading/item-references.ts";
import { readResponse } from "../reading/read-response.ts";
import type { ResponseContext } from "../storage.ts";
import { acceptResponse, type AcceptedRequest, type AdmittedResponse } from "./accept-response.ts";
import type { RequestRateState } from "./add-in-flight.ts";
import type { AdmissionLimits } from "./admission-limits.ts";
import { checkFiles } from "./check-files.ts";
import { checkConversation, checkInput } from "./check-input.ts";
import { extractCompactionTrigger } from "./compaction-trigger.ts";
import {
  type ClaimRequest,
  claimIdempotencyKey,
  confirmClaim,
  type IdempotencyClaim,
  releaseClaim,
} from "./idempotency-claim.ts";
import { resolveAncestors } from "./resolve-ancestors.ts";

export interface AdmissionRequest extends ClaimRequest {
  /** Receives the project's rate after this request. */
  rate?: RequestRateState;
}

export interface AdmissionDependencies extends ResponseContext {
  config: Config;
  catalog: ProviderCatalog;
  prompts: PromptCatalog;
  limits: AdmissionLimits;
}

export class Admission {
  readonly #dependencies: AdmissionDependencies;

  constructor(dependencies: AdmissionDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws the contract's errors in the contract's order (contract.md#order-of-errors, state). */
  async admit(admission: AdmissionRequest): Promise<AdmittedResponse> {
    const { storage, limits } = this.#dependencies;
    const nowMs = storage.clock.nowMs();
    const claim = await claimIdempotencyKey(storage, limits.maxOpenResponses, admission);
    const replayed = claim.isReplay ? await readResponse(storage, claim.id) : undefined;
    if (replayed !== undefined) return { id: claim.id, isReplay: true, json: replayed.json };
    try {
      const checked = await this.#check(admission, claim, nowMs);
      const admitted = await acceptResponse(this.#dependencies, limits, checked);
      if (claim.isReplay) await confirmClaim(storage, claim);
      return admitted;
    } catch (error) {
      await releaseClaim(storage, claim);
      throw error;
    }
  }

  async #check(
    { project, request, purpose, rate = {} }: AdmissionRequest,
    { id, hash }: IdempotencyClaim,
    nowMs: number,
  ): Promise<AcceptedRequest> {
    const { storage, limits, prompts } = this.#dependencies;
    await checkConversation(storage, request, project);
    const prompted = resolvePrompt(prompts, request);
    // The prompt can set the service tier.
    checkCompletionWindow(prompted);
    this.#rejectUnavailableTool(prompted);
    const ancestors = await resolveAncestors(storage, project, request.previous_response_id);
    const { request: withoutTrigger, isTriggered } = extractCompactionTrigger(prompted);
    const resolved = await resolveInputReferences(storage, project, withoutTrigger, limits.maxBodyBytes);
    await checkInput(storage, resolved, project);
    await this.#checkFiles(resolved, project);
    const checked = { id, hash, project, request: resolved, ancestors, nowMs, rate };
    return { ...checked, purpose: isTriggered ? "compact" : purpose };
  }

  async #checkFiles({ model, input }: ResolvedRequest, project: string): Promise<void> {
    const { storage, limits, catalog } = this.#dependencies;
    if (!Array.isArray(input)) return;
    const allowsOtherIds = catalog.resolve(model)?.provider.kind === "openai-responses";
    await checkFiles(storage, project, input, { param: "input", maxBytes: limits.maxInputFileBytes, allowsOtherIds });
  }

  #rejectUnavailableTool({ model, tools }: ResolvedRequest): void {
    const { catalog, config } = this.#dependencies;
    const resolved = catalog.resolve(model);
    const tool = resolved && findFirstUnavailableTool(tools ?? [], resolved, config);
    if (tool !== undefined) throw toolUnavailable(tool.index, tool.type, tool.reason);
  }
}
