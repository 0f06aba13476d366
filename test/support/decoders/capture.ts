/** A server's output, write by write: each is a chunk of the answer's body, however the network cuts it. */
import { connect } from "node:net";

export interface CaptureRequest {
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: object;
  /** After each write, with all of them so far. */
  onWrite?: (writes: readonly Buffer[]) => void;
}

/** Resolves at the end of the answer. */
export async function capture(url: string, request: CaptureRequest = {}): Promise<Buffer[]> {
  const { hostname, port, pathname, search } = new URL(url);
  const { method = "GET", headers = {}, body, onWrite } = request;
  const content = body === undefined ? "" : JSON.stringify(body);
  const socket = connect(Number(port), hostname);
  const lines = {
    host: `${hostname}:${port}`,
    ...headers,
    ...(body !== undefined && {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(content)),
    }),
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${pathname}${search} HTTP/1.1\r\n${head.join("")}\r\n${content}`);
  const writes: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let hasBegun = false;
  for await (const read of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, read]);
    if (!hasBegun) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const status = rest.subarray("HTTP/1.1 ".length, end).toString("latin1").slice(0, 3);
      if (status !== "200") throw new Error(`The stream was answered ${status}.`);
      hasBegun = true;
      rest = rest.subarray(end + 4);
    }
    for (let chunk = nextChunk(rest); chunk !== undefined; chunk = nextChunk(rest)) {
      rest = rest.subarray(chunk.taken);
      if (chunk.body.length === 0) return writes;
      writes.push(chunk.body);
      onWrite?.(writes);
    }
  }
  throw new Error("The connection was closed before the end of the answer.");
}

const LINE_END = "\r\n";

/** The first chunk, if the bytes contain all of it. The last one is empty. */
function nextChunk(bytes: Buffer): { body: Buffer; taken: number } | undefined {
  const lineEnd = bytes.indexOf(LINE_END);
  if (lineEnd < 0) return undefined;
  const length = Number.parseInt(bytes.subarray(0, lineEnd).toString("latin1"), 16);
  const from = lineEnd + LINE_END.length;
  const taken = from + length + LINE_END.length;
  return bytes.length < taken ? undefined : { body: bytes.subarray(from, from + length), taken };
}
