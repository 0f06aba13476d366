/** A collector of traces: an OTLP/HTTP server that decodes what it receives. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { decodeSpans, type ReceivedSpan } from "./otlp-messages.ts";

export interface OtlpReceiver extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
  requests: readonly { path: string; headers: IncomingHttpHeaders }[];
  spans: readonly ReceivedSpan[];
  /** Resolves with the spans so far once `isSo` holds for them. Rejects with their names after half a minute. */
  until: (isSo: (spans: readonly ReceivedSpan[]) => boolean) => Promise<readonly ReceivedSpan[]>;
}

/**
 * `hang` reads requests and never answers, `rejects` accepts all but one span, `together` answers once that many requests
 * wait; a number is the status of every answer.
 */
export type CollectorState = "well" | "hang" | "rejects" | number | { together: number };

/** `partial_success { rejected_spans: 1 }` */
const REJECTS_ONE = Buffer.from([0x0a, 0x02, 0x08, 0x01]);

const LIMIT_MS = 30_000;

export async function startOtlpReceiver(state: CollectorState = "well"): Promise<OtlpReceiver> {
  const requests: OtlpReceiver["requests"][number][] = [];
  const spans: ReceivedSpan[] = [];
  const waiting = new Set<() => void>();
  const unanswered: ServerResponse[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      requests.push({ path: request.url!, headers: request.headers });
      if (state === "well" || state === "rejects" || typeof state === "object") {
        const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
        spans.push(...decodeSpans(bytes));
      }
      for (const wake of waiting) wake();
      unanswered.push(response);
      if (state === "hang" || (typeof state === "object" && unanswered.length < state.together)) return;
      for (const each of unanswered.splice(0)) {
        each.writeHead(typeof state === "number" ? state : 200, { "content-type": "application/x-protobuf" });
        each.end(state === "rejects" ? REJECTS_ONE : undefined);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    until: async (isSo) => {
      const limit = AbortSignal.timeout(LIMIT_MS);
      while (!isSo(spans)) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const fail = (): void => reject(new Error(`Received only:\n${spans.map(({ name }) => name).join("\n")}`));
        limit.addEventListener("abort", fail);
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
        limit.removeEventListener("abort", fail);
      }
      return spans;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
