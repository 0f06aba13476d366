/** A server of the OpenAI images API: it records requests and answers as a test specifies. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ImagesRequest {
  path: string;
  authorization: string | undefined;
  /** Fields of JSON or of a form; files as `<type>:<text>`. */
  fields: Record<string, unknown>;
}

export interface ImagesServer extends AsyncDisposable {
  url: string;
  requests: ImagesRequest[];
  /** Answers to the next requests; the last one repeats. */
  answers: ((response: ServerResponse, request: ImagesRequest) => void)[];
}

export async function startImagesServer(): Promise<ImagesServer> {
  const requests: ImagesRequest[] = [];
  const answers: ImagesServer["answers"] = [];
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming);
    requests.push(request);
    const next = answers.length > 1 ? answers.shift() : answers[0];
    next?.(response, request);
  };
  const server = createServer((incoming, response) => void answer(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function json(status: number, body: unknown) {
  return (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

export function stream(...events: object[]) {
  return (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
  };
}

async function readRequest(incoming: IncomingMessage): Promise<ImagesRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { url = "", headers } = incoming;
  const type = headers["content-type"] ?? "";
  const body = Buffer.concat(chunks);
  if (body.length === 0) return { path: url, authorization: headers.authorization, fields: {} };
  const fields = type.startsWith("application/json")
    ? (JSON.parse(body.toString()) as Record<string, unknown>)
    : await readForm(body, type);
  return { path: url, authorization: headers.authorization, fields };
}

async function readForm(body: Buffer, type: string): Promise<Record<string, unknown>> {
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  const fields: Record<string, unknown> = {};
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name).map(async (value) => {
      return typeof value === "string" ? value : `${value.type}:${await value.text()}`;
    });
    const all = await Promise.all(values);
    fields[name] = name.endsWith("[]") ? all : all[0];
  }
  return fields;
}

/** Images that services send and accept, by their bytes. */
export const IMAGES = {
  png: Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1").toString("base64"),
  jpeg: Buffer.from("\xff\xd8\xff\xe0rest of it", "latin1").toString("base64"),
  webp: Buffer.from("RIFF\0\0\0\0WEBPVP8 ").toString("base64"),
  gif: Buffer.from("GIF89a and more").toString("base64"),
} as const;
