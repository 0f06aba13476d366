/** A small web on loopback: the pages, and a search engine that answers like SearXNG. It counts requests. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutedCallLog } from "./check-calls.ts";
import { makePdf } from "./make-pdf.ts";
import { type Page, PAGES, searchPages } from "./pages.ts";

export interface LocalWeb extends AsyncDisposable {
  url: string;
  /** Host and port, in the form of FETCH_ALLOWED_HOSTS. */
  host: string;
}

export async function startLocalWeb(executed: ExecutedCallLog): Promise<LocalWeb> {
  let base = "";
  const answer = (path: string, response: ServerResponse): void => {
    const url = new URL(path, base);
    if (url.pathname === "/search") {
      const query = url.searchParams.get("q") ?? "";
      executed.record(`search ${query}`);
      const results = searchPages(query).map((page) => resultOf(page, base));
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ query, results }));
      return;
    }
    const page = PAGES.find(({ name }) => url.pathname === `/${name}`);
    if (page === undefined) {
      response.writeHead(404, { "content-type": "text/plain" }).end("There is no such page.");
      return;
    }
    executed.record(`page ${url.href}`);
    if (page.isPdf === true) response.writeHead(200, { "content-type": "application/pdf" }).end(makePdf(page));
    else response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(htmlOf(page));
  };
  const server = createServer((request, response) => answer(request.url ?? "/", response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  base = `http://${host}`;
  return {
    url: base,
    host,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function resultOf({ name, title, paragraphs }: Page, base: string) {
  return { url: `${base}/${name}`, title, content: paragraphs[0] };
}

function htmlOf({ title, paragraphs }: Page): string {
  const text = paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join("\n");
  const name = escapeHtml(title);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${name}</title></head>
<body><article><h1>${name}</h1>
${text}
</article></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
