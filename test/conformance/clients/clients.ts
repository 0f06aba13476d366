/** The official clients in the two major versions in use. */
import OpenAI, { type ClientOptions } from "openai";
import * as zod7 from "openai/helpers/zod";
import OpenAI6 from "openai-6";
import * as zod6 from "openai-6/helpers/zod";
import type { ApiProcess } from "../../support/processes.ts";

export interface OfficialClient {
  /** Its error classes are its static fields. */
  OpenAI: typeof OpenAI;
  zodTextFormat: typeof zod7.zodTextFormat;
}

/** The tests are written and type-checked for version 7; version 6 must answer the same calls. */
export const CLIENTS: [name: string, client: OfficialClient][] = [
  ["openai 7", { OpenAI, zodTextFormat: zod7.zodTextFormat }],
  ["openai 6", { OpenAI: OpenAI6, zodTextFormat: zod6.zodTextFormat } as unknown as OfficialClient],
];

/** The environment of a suite. */
export interface Fixture {
  api: ApiProcess;
  /** Key prefix of the server. */
  prefix: string;
}

export const KEY = "key-of-alpha";
export const OTHER_KEY = "key-of-beta";
export const API_KEYS = `alpha:${KEY},beta:${OTHER_KEY}`;

/** Without retries, because a retry would hide a failure. */
export function openClient({ OpenAI }: OfficialClient, { api }: Fixture, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ baseURL: api.url, apiKey: KEY, maxRetries: 0, ...options });
}
