/** A site with pages and a search engine like SearXNG's, over real HTTP, which records its requests. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface SiteRequest {
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A page's HTML, or any other answer. */
type Content = string | ((response: ServerResponse, visit: SiteRequest) => void);

export interface WebSite extends AsyncDisposable {
  /** Without a trailing slash. */
  url: string;
  /** Host and port, as FETCH_ALLOWED_HOSTS accepts them. */
  host: string;
  port: number;
  requests: SiteRequest[];
  /** By path, without the query. */
  pages: Record<string, Content>;
  /** The number of requests for a path. */
  countOf: (path: string) => number;
}

export async function startWebSite(pages: Record<string, Content> = {}): Promise<WebSite> {
  const requests: SiteRequest[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const visit = { path: request.url!, headers: request.headers, body };
      requests.push(visit);
      const content = pages[visit.path.split("?")[0]!];
      if (content === undefined) response.writeHead(404).end("There is no such page.");
      else if (typeof content === "function") content(response, visit);
      else response.writeHead(200, { "content-type": "text/html" }).end(content);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    requests,
    pages,
    countOf: (path) => requests.filter((visit) => visit.path.split("?")[0] === path).length,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

export function answer(
  body: string | Uint8Array,
  headers: Record<string, string>,
  status = 200,
): (response: ServerResponse) => void {
  return (response) => void response.writeHead(status, headers).end(body);
}

export function json(value: unknown, status = 200): (response: ServerResponse) => void {
  return answer(JSON.stringify(value), { "content-type": "application/json" }, status);
}

export function searchResults(
  ...results: { url: string; title?: string; content?: string }[]
): (response: ServerResponse) => void {
  return json({ query: "", results });
}
