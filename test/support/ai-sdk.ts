/** The AI SDK upstream in front of the test's own server, which speaks a vendor's protocol verbatim. */
import { type Logger, pino } from "pino";
import { readConfig } from "../../src/config/config.ts";
import type { AiSdkProvider } from "../../src/providers/catalog.ts";
import type { UpstreamCall } from "../../workers/upstreams/upstream.ts";
import { AiSdkUpstream } from "../../workers/upstreams/ai-sdk/ai-sdk.ts";
import { readLog, type UpstreamLog } from "../conformance/upstream-log.ts";
import { KEY, sampleCall } from "./openai-responses.ts";
import { type Answer, startUpstreamServer, type UpstreamServer } from "./upstream-server.ts";

export type Kind = AiSdkProvider["kind"];
export const KINDS: readonly Kind[] = ["openai-compatible", "anthropic", "google"];

export function openAiSdk(
  server: UpstreamServer,
  kind: Kind,
  settings: NodeJS.ProcessEnv = {},
  provider: Partial<AiSdkProvider> = {},
  logger: Logger = pino({ level: "silent" }),
): AiSdkUpstream {
  const entry = { name: "test", base_url: server.url, api_key_env: "TEST_KEY", headers: {}, ...provider, kind };
  return new AiSdkUpstream(
    entry as AiSdkProvider,
    readConfig({ UPSTREAM_MAX_RETRIES: "2", TEST_KEY: KEY, ...settings }),
    { firstBackoffMs: 1, logger },
  );
}

export async function readAiSdk(
  server: UpstreamServer,
  kind: Kind,
  call: Partial<UpstreamCall> = {},
  settings: NodeJS.ProcessEnv = {},
): Promise<UpstreamLog> {
  const upstream = openAiSdk(server, kind, settings);
  return await readLog(upstream.run(sampleCall({ model: MODELS[kind], ...call }), new AbortController().signal));
}

export const MODELS: Record<Kind, string> = {
  "openai-compatible": "qwen3",
  anthropic: "claude-opus-4-5",
  google: "gemini-3-pro-preview",
};

/** The body of a vendor's request for a call. */
export async function bodyOf(kind: Kind, call: Partial<UpstreamCall>): Promise<Record<string, unknown>> {
  await using server = await startUpstreamServer(answerOf(kind, ["Hi"]));
  const { finish } = await readAiSdk(server, kind, call);
  if (server.requests.length === 0) throw new Error(JSON.stringify(finish));
  return server.requests[0]!.body;
}

/** Status 200 and frames of the vendor's stream, each with data only. */
export function frames(...data: readonly object[]): Answer {
  return (response) => void streamFrames(response, data).end();
}

/** Sends the frames and leaves the stream open. */
export function openFrames(...data: readonly object[]): Answer {
  return (response) => void streamFrames(response, data);
}

/** Sends the frames, then breaks the connection. */
export function brokenFrames(...data: readonly object[]): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(encode(data), () => response.destroy());
  };
}

function streamFrames(response: Parameters<Answer>[0], data: readonly object[]) {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
  if (data.length > 0) response.write(encode(data));
  return response;
}

function encode(data: readonly object[]): string {
  return data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("");
}

/** A text in the vendor's stream, up to its last word. */
export function textFrames(kind: Kind, words: readonly string[]): object[] {
  switch (kind) {
    case "openai-compatible":
      return words.map((content) => chunk({ content }));
    case "anthropic":
      return [
        messageStart(),
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        ...words.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
      ];
    case "google":
      return words.map((text) => ({ candidates: [{ content: { role: "model", parts: [{ text }] } }] }));
  }
}

/** The vendor's end of a text. */
export function endFrames(kind: Kind): object[] {
  switch (kind) {
    case "openai-compatible":
      return [chunk({}, { finish_reason: "stop" })];
    case "anthropic":
      return [{ type: "content_block_stop", index: 0 }, ...messageStop("end_turn")];
    case "google":
      return [{ candidates: [{ content: { role: "model", parts: [] }, finishReason: "STOP" }] }];
  }
}

export function answerOf(kind: Kind, words: readonly string[]): Answer {
  return frames(...textFrames(kind, words), ...endFrames(kind));
}

export function chunk(delta: object, rest: object = {}): object {
  const choice = { index: 0, delta, finish_reason: null, ...rest };
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "qwen3", choices: [choice] };
}

export function messageStart(): object {
  const message = { id: "msg_1", type: "message", role: "assistant", model: "claude", content: [], stop_reason: null };
  return { type: "message_start", message: { ...message, usage: { input_tokens: 3, output_tokens: 0 } } };
}

export function messageStop(stop_reason: string): object[] {
  return [
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
    { type: "message_stop" },
  ];
}
