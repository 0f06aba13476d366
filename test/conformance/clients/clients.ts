/** The official clients, in the two major versions that are in use. */
import OpenAI, { type ClientOptions } from "openai";
import * as zod7 from "openai/helpers/zod";
import OpenAI6 from "openai-6";
import * as zod6 from "openai-6/helpers/zod";
import type { ApiProcess } from "../../support/processes.ts";

export interface OfficialClient {
  /** Its classes of errors are its static fields. */
  OpenAI: typeof OpenAI;
  zodTextFormat: typeof zod7.zodTextFormat;
}

/** The calls of the tests are written, and type-checked, for version 7; 6 has to answer the very same ones. */
export const CLIENTS: [name: string, client: OfficialClient][] = [
  ["openai 7", { OpenAI, zodTextFormat: zod7.zodTextFormat }],
  ["openai 6", { OpenAI: OpenAI6, zodTextFormat: zod6.zodTextFormat } as unknown as OfficialClient],
];

/** What a suite runs against. */
export interface Fixture {
  api: ApiProcess;
  /** Key prefix of the server. */
  prefix: string;
}

export const KEY = "key-of-alpha";
export const OTHER_KEY = "key-of-beta";
export const API_KEYS = `alpha:${KEY},beta:${OTHER_KEY}`;

/** Nothing is tried twice: a failure that a retry would hide is a failure. */
export function openClient({ OpenAI }: OfficialClient, { api }: Fixture, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ baseURL: api.url, apiKey: KEY, maxRetries: 0, ...options });
}
