/** A server of embeddings that speaks OpenAI's protocol, or Google's, and fails as asked. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

interface ReceivedEmbeddings {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export interface EmbeddingServer extends AsyncDisposable {
  /** With `/v1`. */
  url: string;
  requests: ReceivedEmbeddings[];
  /** The next answers; without any, the server embeds. */
  failures: ((response: ServerResponse) => void)[];
  /** Whether vectors are numbers although base64 was asked for. */
  sendsNumbers: boolean;
  /** Requests that were in flight at the same time. */
  mostInFlight: number;
  /** Answers wait until as many requests are in flight. */
  heldUntil: number;
}

const DIMENSIONS = 3;

/** Each component is a number that 32 bits hold exactly. */
export function vectorOf(input: unknown, dimensions = DIMENSIONS): number[] {
  const text = typeof input === "string" ? input : JSON.stringify(input);
  const size = [...text].reduce((sum, character) => sum + character.codePointAt(0)!, 0);
  return Array.from({ length: dimensions }, (_, i) => ((size + i * 7) % 64) / 64 - 0.5);
}

export async function startEmbeddingServer(): Promise<EmbeddingServer> {
  let inFlight = 0;
  let held: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    inFlight += 1;
    state.mostInFlight = Math.max(state.mostInFlight, inFlight);
    response.on("close", () => (inFlight -= 1));
    const body = (await json(request)) as Record<string, unknown>;
    state.requests.push({ path: request.url!, headers: request.headers, body });
    const fail = state.failures.shift();
    if (fail !== undefined) return fail(response);
    await new Promise<void>((resolve) => {
      held.push(resolve);
      if (held.length < state.heldUntil) return;
      for (const release of held) release();
      held = [];
    });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url!.endsWith("/embeddings") ? answer(body) : answerAsGoogle(body)));
  });
  const answer = ({ input, dimensions, encoding_format }: Record<string, unknown>): object => {
    const isList = Array.isArray(input) && typeof input[0] !== "number";
    const inputs: unknown[] = isList ? input : [input];
    const data = inputs.map((each, index) => {
      const vector = vectorOf(each, dimensions === undefined ? DIMENSIONS : Number(dimensions));
      const isBase64 = encoding_format === "base64" && !state.sendsNumbers;
      const embedding = isBase64 ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
      return { object: "embedding", index, embedding };
    });
    // In another order than asked: the index counts.
    return { object: "list", data: data.toReversed(), model: "m", usage: { prompt_tokens: inputs.length * 2 } };
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const state: EmbeddingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: [],
    failures: [],
    sendsNumbers: false,
    mostInFlight: 0,
    heldUntil: 1,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return state;
}

interface GoogleRequest {
  content: { parts: { text: string }[] };
  outputDimensionality?: number;
}

function answerAsGoogle(body: object): object {
  const embed = ({ content, outputDimensionality }: GoogleRequest): { values: number[] } => ({
    values: vectorOf(content.parts[0]!.text, outputDimensionality),
  });
  if ("requests" in body) return { embeddings: (body.requests as GoogleRequest[]).map(embed) };
  return { embedding: embed(body as GoogleRequest) };
}
