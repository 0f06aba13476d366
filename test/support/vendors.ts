/** Calls of a vendor's model in front of the test's own server: the vendor's request, and the result of its answer. */
import type { VendorName } from "../../src/providers/vendor-of.ts";
import type { VendorTraits } from "../../src/providers/vendor-traits.ts";
import type { ContextItem, UpstreamCall } from "../../workers/upstreams/upstream.ts";
import { readLog, type UpstreamLog } from "../conformance/upstream-log.ts";
import { answerOf, chunk, frames, type Kind, openAiSdk } from "./ai-sdk.ts";
import { sampleCall } from "./openai-responses.ts";
import { type Answer, startUpstreamServer, type UpstreamServer } from "./upstream-server.ts";

export interface VendorEntry {
  vendor?: VendorName;
  kind?: Kind;
  traits?: Partial<VendorTraits>;
  name?: string;
}

export interface WireMessage {
  role: string;
  content?: unknown;
  tool_calls?: { id: string; function: { name: string; arguments: string }; [field: string]: unknown }[];
  tool_call_id?: string;
  [field: string]: unknown;
}

export interface WireBody {
  messages: WireMessage[];
  [field: string]: unknown;
}

export async function callVendor(
  server: UpstreamServer,
  { kind = "openai-compatible", ...entry }: VendorEntry,
  call: Partial<UpstreamCall>,
): Promise<UpstreamLog> {
  const upstream = openAiSdk(server, kind, { UPSTREAM_MAX_RETRIES: "0" }, entry);
  return await readLog(upstream.run(sampleCall({ model: "m", ...call }), new AbortController().signal));
}

/** The body of the vendor's request. */
export async function readSentBody(entry: VendorEntry, call: Partial<UpstreamCall>): Promise<WireBody> {
  await using server = await startUpstreamServer(answerOf(entry.kind ?? "openai-compatible", ["Hi"]));
  const { finish } = await callVendor(server, entry, call);
  if (finish.status !== "completed") throw new Error(JSON.stringify(finish));
  return server.requests[0]!.body as WireBody;
}

/** The events that an answer produces. */
export async function readAnswer(
  entry: VendorEntry,
  answer: Answer,
  call: Partial<UpstreamCall> = {},
): Promise<UpstreamLog> {
  await using server = await startUpstreamServer(answer);
  return await callVendor(server, entry, call);
}

export const user = (content: string): ContextItem => ({ type: "message", role: "user", content });
export const system = (content: string): ContextItem => ({ type: "message", role: "system", content });
export const assistantMessage = (text: string): ContextItem => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text, annotations: [] }],
});
export const functionCall = (call_id: string, name = "get_weather"): ContextItem => ({
  type: "function_call",
  call_id,
  name,
  arguments: "{}",
});
export const functionCallOutput = (call_id: string, output = "rain"): ContextItem => ({
  type: "function_call_output",
  call_id,
  output,
});
export const reasoningItem = (text: string): ContextItem => ({
  type: "reasoning",
  summary: [],
  content: [{ type: "reasoning_text", text }],
});

/** Chunks with these deltas, and the end. */
export function deltas(finish_reason: string, ...list: readonly object[]): Answer {
  return frames(...list.map((delta) => chunk(delta)), chunk({}, { finish_reason }));
}
