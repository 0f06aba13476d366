/** The `openai-responses` upstream in front of the test's own server. */
import { readConfig } from "../../src/config/config.ts";
import { newId } from "../../src/protocol/id.ts";
import type { OpenAiResponsesProvider } from "../../src/providers/catalog.ts";
import type { UpstreamCall } from "../../workers/upstreams/upstream.ts";
import { OpenAiResponsesUpstream } from "../../workers/upstreams/openai-responses/openai-responses.ts";
import { readLog, type UpstreamLog } from "../conformance/upstream-log.ts";
import type { UpstreamServer } from "./upstream-server.ts";

export const KEY = "sk-test-0123456789";

/** `settings` are those of the configuration. */
export function openUpstream(
  server: UpstreamServer,
  settings: NodeJS.ProcessEnv = {},
  provider: Partial<OpenAiResponsesProvider> = {},
): OpenAiResponsesUpstream {
  return new OpenAiResponsesUpstream(
    { name: "test", kind: "openai-responses", base_url: server.url, api_key_env: "TEST_KEY", headers: {}, ...provider },
    readConfig({ UPSTREAM_MAX_RETRIES: "2", TEST_KEY: KEY, ...settings }),
    { firstBackoffMs: 1 },
  );
}

export function sampleCall(fields: Partial<UpstreamCall> = {}): UpstreamCall {
  return {
    responseId: newId("resp"),
    model: "model-1",
    request: { model: "test/model-1" },
    history: [{ type: "message", role: "user", content: "Hello" }],
    completedItems: [],
    firstOutputIndex: 0,
    ...fields,
  };
}

export async function readUpstream(
  server: UpstreamServer,
  settings: NodeJS.ProcessEnv = {},
  provider: Partial<OpenAiResponsesProvider> = {},
): Promise<UpstreamLog> {
  return await readLog(openUpstream(server, settings, provider).run(sampleCall(), new AbortController().signal));
}
