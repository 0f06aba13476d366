/**
 * Converts a whole answer into the events that it would have been. Some gateways and mocks cannot stream, and
 * answer like this to every request. The shape of the answer identifies its vendor.
 */
import { asArray, asString, isObject, type Json } from "./json.ts";

export function toStreamEvents(answer: unknown): unknown[] {
  // Gemini without `alt=sse`: the chunks in one list.
  if (Array.isArray(answer)) return answer as unknown[];
  if (!isObject(answer)) return [];
  if (answer["object"] === "response" || Array.isArray(answer["output"])) return responseEvents(answer);
  if (answer["type"] === "message" && Array.isArray(answer["content"])) return messageEvents(answer);
  // A chat completion has the shape of a chunk but for `message`, and Gemini's answer that of its chunks.
  return [answer];
}

/** Terminal events of the Responses API by the response's status. */
export const TERMINAL_EVENTS: Record<string, string> = {
  completed: "response.completed",
  incomplete: "response.incomplete",
  failed: "response.failed",
  cancelled: "response.failed",
};

/** A response that has not ended gets no terminal event. */
function responseEvents(response: Json): unknown[] {
  const status = asString(response["status"]) ?? "completed";
  const created = { type: "response.created", response: { ...response, output: [] } };
  return Object.hasOwn(TERMINAL_EVENTS, status) ? [created, { type: TERMINAL_EVENTS[status], response }] : [created];
}

/** Anthropic's Messages API. */
function messageEvents(message: Json): unknown[] {
  const { stop_reason, stop_sequence = null, usage } = message;
  return [
    { type: "message_start", message: { ...message, content: [], stop_reason: null, stop_sequence: null } },
    ...asArray(message["content"]).flatMap((block, index) => (isObject(block) ? blockEvents(block, index) : [])),
    { type: "message_delta", delta: { stop_reason, stop_sequence }, usage },
    { type: "message_stop" },
  ];
}

function blockEvents(block: Json, index: number): unknown[] {
  const [content_block, deltas] = openBlock(block);
  return [
    { type: "content_block_start", index, content_block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

function openBlock(block: Json): [Json, Json[]] {
  switch (block["type"]) {
    case "text":
      return [{ type: "text", text: "" }, [{ type: "text_delta", text: asString(block["text"]) ?? "" }]];
    case "thinking":
      return [
        { type: "thinking", thinking: "" },
        [
          { type: "thinking_delta", thinking: asString(block["thinking"]) ?? "" },
          { type: "signature_delta", signature: asString(block["signature"]) ?? "" },
        ],
      ];
    case "tool_use":
      return [
        { ...block, input: {} },
        [{ type: "input_json_delta", partial_json: asString(block["input"]) ?? JSON.stringify(block["input"] ?? {}) }],
      ];
    default:
      return [block, []];
  }
}
