/** The server that a command talks to, by the official client. */
import OpenAI from "openai";

export interface ConnectionFlags {
  baseUrl?: string;
  apiKey?: string;
}

export interface Connection {
  client: OpenAI;
  baseUrl: string;
}

const DEFAULT_URL = "http://127.0.0.1:8080/v1";

/**
 * Flags win over BACKGROUND_RESPONSES_URL and BACKGROUND_RESPONSES_API_KEY, and these over the variables of the official
 * clients, which may name a provider on a machine that also runs a server.
 */
export function connectTo(flags: ConnectionFlags, environment: NodeJS.ProcessEnv): Connection {
  const first = (...values: (string | undefined)[]): string | undefined =>
    values.map((value) => value?.trim()).find((value) => value !== undefined && value !== "");
  const { BACKGROUND_RESPONSES_URL, OPENAI_BASE_URL, BACKGROUND_RESPONSES_API_KEY, OPENAI_API_KEY } = environment;
  const baseUrl = first(flags.baseUrl, BACKGROUND_RESPONSES_URL, OPENAI_BASE_URL) ?? DEFAULT_URL;
  // A server without API_KEYS takes any key, and the client demands one.
  const apiKey = first(flags.apiKey, BACKGROUND_RESPONSES_API_KEY, OPENAI_API_KEY) ?? "none";
  return { client: new OpenAI({ baseURL: baseUrl, apiKey, organization: null, project: null }), baseUrl };
}
