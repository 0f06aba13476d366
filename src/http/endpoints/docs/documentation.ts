/**
 * `GET /openapi.json`: the description of the API. `GET /docs`: this repository's guides, and at `/docs/api` the API
 * reference, which Swagger UI shows. Pages load nothing from other origins. All their links are relative, so that they
 * work behind a proxy's path.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type RequestHandler, Router } from "express";
import { API_REFERENCE, Documents, INDEX } from "./documents.ts";
import { DocumentPages } from "./document-pages.ts";

const require = createRequire(import.meta.url);
const asset = (file: string): string => fileURLToPath(new URL(`assets/${file}`, import.meta.url));

/** The served files, by address. Pages do not need Swagger UI's other files. */
const FILES: ReadonlyMap<string, string> = new Map([
  [API_REFERENCE, asset("reference.html")],
  ["docs/reference.css", asset("reference.css")],
  ["docs/reference.js", asset("reference.js")],
  ["docs/guide.css", asset("guide.css")],
  ["docs/swagger-ui.css", require.resolve("swagger-ui-dist/swagger-ui.css")],
  ["docs/swagger-ui-bundle.js", require.resolve("swagger-ui-dist/swagger-ui-bundle.js")],
  ["docs/favicon.png", require.resolve("swagger-ui-dist/favicon-32x32.png")],
]);

/** Scripts and requests of the own origin only. Swagger UI's style sheet has icons as `data:`. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "public, max-age=0",
};

/** The first request for the description calls `describe`, so that no start waits for it. */
export function createDocsRouter(describe: () => Promise<object>): Router {
  let json: Promise<string> | undefined;
  const router = Router({ strict: true });
  router.get("/openapi.json", async (_request, response) => {
    json ??= describe().then((document) => JSON.stringify(document));
    response.type("application/json").send(await json);
  });
  const send = sendFrom(new DocumentPages(new Documents()));
  router.get("/docs", send);
  router.get("/docs/*page", send);
  router.use("/docs", (request, response, next) => {
    if (request.originalUrl.endsWith("/docs/")) response.redirect("../docs");
    else next();
  });
  return router;
}

/** Serves only the addresses that were known at the start. */
function sendFrom(pages: DocumentPages): RequestHandler<{ page?: string[] }> {
  return ({ params: { page: path = [] } }, response, next) => {
    const address = [INDEX, ...path].join("/");
    const page = pages.at(address);
    const file = FILES.get(address) ?? pages.imageAt(address);
    if (page === undefined && file === undefined) {
      next();
      return;
    }
    response.set(HEADERS);
    // Express compares the ETag, or the date of a file, with the request and answers 304.
    if (page !== undefined) response.set({ etag: page.etag }).type("html").send(page.html);
    else response.sendFile(file!);
  };
}
