/** The official client of a provider that speaks OpenAI's protocol. */
import OpenAI, { type ClientOptions } from "openai";
import type { Config } from "../config/config.ts";
import { withTraceContext } from "../telemetry/trace-context.ts";
import { NO_API_KEY, readApiKey } from "./credentials.ts";
import type { AiSdkProvider, OpenAiResponsesProvider } from "./catalog.ts";

export type SpeaksOpenAi = OpenAiResponsesProvider | Extract<AiSdkProvider, { kind: "openai-compatible" }>;

/** Retries nothing: its callers know which calls may be repeated. By default its requests carry the trace context. */
export function createOpenAiClient(
  provider: SpeaksOpenAi,
  environment: Config["environment"],
  options: Pick<ClientOptions, "fetch" | "timeout"> = { fetch: withTraceContext(globalThis.fetch) },
): OpenAI {
  return new OpenAI({
    apiKey: readApiKey(provider, environment) ?? NO_API_KEY,
    baseURL: provider.base_url,
    defaultHeaders: provider.headers,
    maxRetries: 0,
    logLevel: "off",
    ...options,
    // Otherwise the SDK would read these from the environment and send one vendor's account to another.
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
  });
}
