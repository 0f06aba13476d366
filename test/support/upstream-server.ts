/** A Responses API server that answers as scripted, byte for byte, including answers that no valid server sends. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export type Frame = { type: string; [field: string]: unknown };
/** Plays one answer. A stream left open stays open until the other side closes it. */
export type Answer = (response: ServerResponse) => void;

interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
  /** Resolves when the connection is closed. */
  closed: Promise<unknown>;
}

export interface UpstreamServer extends AsyncDisposable {
  url: string;
  requests: readonly ReceivedRequest[];
}

/** Request n gets answer n; the last answer repeats. */
export async function startUpstreamServer(...answers: [Answer, ...Answer[]]): Promise<UpstreamServer> {
  const requests: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    // One connection carries many requests, and each waits for its end.
    request.socket.setMaxListeners(0);
    const closed = once(request.socket, "close");
    void text(request).then((body) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)]!;
      requests.push({
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        body: JSON.parse(body || "{}"),
        closed,
      });
      answer(response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Sends status 200 and the frames, and leaves the stream open. */
export function stream(...frames: readonly Frame[]): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.flushHeaders();
    response.write(frames.map(encode).join(""));
  };
}

/** Sends the frames and ends the stream. */
export function streamAndEnd(...frames: readonly Frame[]): Answer {
  return (response) => {
    stream(...frames)(response);
    response.end();
  };
}

/** Sends the frames, then breaks the connection. */
export function streamAndBreak(...frames: readonly Frame[]): Answer {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(frames.map(encode).join(""), () => response.destroy());
  };
}

export function answerError(status: number, error: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error }));
  };
}

/** Accepts the request and never answers. */
export function neverAnswer(): void {}

function encode(frame: Frame): string {
  return `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`;
}

// --- frames ------------------------------------------------------------------------------------------------

export function created(): Frame {
  return {
    type: "response.created",
    sequence_number: 0,
    response: { id: "resp_1", status: "in_progress", output: [] },
  };
}

export function added(output_index: number, item: object): Frame {
  return { type: "response.output_item.added", output_index, item };
}

export function done(output_index: number, item: object): Frame {
  return { type: "response.output_item.done", output_index, item };
}

export function completed(response: object = {}): Frame {
  return { type: "response.completed", response: { id: "resp_1", status: "completed", output: [], ...response } };
}

/** As OpenAI streams it. */
export function message(output_index: number, id: string, words: readonly string[]): Frame[] {
  const at = { item_id: id, output_index, content_index: 0 };
  const item = { type: "message", id, role: "assistant" };
  const whole = words.join("");
  return [
    added(output_index, { ...item, status: "in_progress", content: [] }),
    { type: "response.content_part.added", ...at, part: textPart("") },
    ...words.map((delta) => ({ type: "response.output_text.delta", ...at, delta, logprobs: [], obfuscation: "x7Hq" })),
    { type: "response.output_text.done", ...at, text: whole, logprobs: [] },
    { type: "response.content_part.done", ...at, part: textPart(whole) },
    done(output_index, { ...item, status: "completed", content: [textPart(whole)] }),
  ];
}

function textPart(content: string): object {
  return { type: "output_text", text: content, annotations: [], logprobs: [] };
}
