/**
 * A provider's own token count (`POST /responses/input_tokens` of a Responses API server), where available. The
 * provider knows its framing, tools and images; this server can only count texts.
 */
import type OpenAI from "openai";
import type { Config } from "../config/config.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { InputTokensRequest } from "../protocol/input-tokens.ts";
import type { OpenAiResponsesProvider, ResolvedModel } from "./catalog.ts";
import { toProviderItems, omitFields } from "./openai-items.ts";

/** The server does not wait longer, because it has an estimate. */
const TIMEOUT_MS = 10_000;

const FORWARDED_PARAMETERS = [
  "instructions",
  "parallel_tool_calls",
  "personality",
  "reasoning",
  "text",
  "tool_choice",
  "tools",
  "truncation",
] as const satisfies readonly (keyof InputTokensRequest)[];

export class InputTokenCounters {
  readonly #environment: Config["environment"];
  readonly #limitMs: number;
  readonly #clients = new Map<string, Promise<OpenAI>>();

  constructor(config: Config, limitMs = TIMEOUT_MS) {
    this.#environment = config.environment;
    this.#limitMs = limitMs;
  }

  /** Returns undefined if the provider has no counter. Rejects if its counter fails. */
  async count(
    { provider, model }: ResolvedModel,
    request: InputTokensRequest,
    items: readonly (InputItem | OutputItem)[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (provider.kind !== "openai-responses" || provider.counts_input_tokens !== true) return undefined;
    const client = await this.#clientOf(provider);
    const settings = omitFields(Object.fromEntries(FORWARDED_PARAMETERS.map((name) => [name, request[name]])));
    // The provider validates what this server's schemas accept.
    const body = { model, input: toProviderItems(items), ...settings } as OpenAI.Responses.InputTokenCountParams;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#limitMs)]);
    const counted = await client.responses.inputTokens.count(body, { signal: limited });
    const tokens: unknown = counted.input_tokens;
    if (!Number.isSafeInteger(tokens)) throw new TypeError("The provider's count is not a number.");
    return counted.input_tokens;
  }

  async #clientOf(provider: OpenAiResponsesProvider): Promise<OpenAI> {
    let client = this.#clients.get(provider.name);
    if (client === undefined) {
      client = openClient(provider, this.#environment);
      this.#clients.set(provider.name, client);
    }
    return await client;
  }
}

/** Loads the SDK only for processes that count with it. */
async function openClient(provider: OpenAiResponsesProvider, environment: Config["environment"]): Promise<OpenAI> {
  const { createOpenAiClient } = await import("./openai-client.ts");
  return createOpenAiClient(provider, environment);
}
