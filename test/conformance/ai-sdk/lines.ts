/** The AI SDK with its OpenAI provider, in the two major versions in use. */
import { createOpenAI } from "@ai-sdk/openai";
import * as ai from "ai";
import * as ai6 from "ai-6";
import { createOpenAI as createOpenAI3 } from "ai-sdk-openai-3";
import type { SimulatorSettings } from "../../support/api-client.ts";
import { type Fixture, KEY } from "../clients/clients.ts";
import { simulator } from "../clients/requests.ts";

// They are also in every result.
globalThis.AI_SDK_LOG_WARNINGS = false;

export interface Line {
  ai: typeof ai;
  createOpenAI: typeof createOpenAI;
}

/** The tests are written and type-checked for version 7; version 6 must answer the same calls. */
export const LINES: [name: string, line: Line][] = [
  ["ai 7 with @ai-sdk/openai 4", { ai, createOpenAI }],
  ["ai 6 with @ai-sdk/openai 3", { ai: ai6, createOpenAI: createOpenAI3 } as unknown as Line],
];

/** Options of every call. Without retries, because a retry would hide a failure. */
export function callOptions(
  { createOpenAI }: Line,
  { api }: Fixture,
  settings: SimulatorSettings,
  openai: Record<string, ai.JSONValue> = {},
) {
  const { model, input, metadata } = simulator(settings);
  return {
    model: createOpenAI({ baseURL: api.url, apiKey: KEY }).responses(model),
    prompt: input,
    maxRetries: 0,
    providerOptions: { openai: { metadata: metadata as Record<string, string>, ...openai } },
  };
}
