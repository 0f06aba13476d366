/**
 * `GET /openapi.json`: the description of the API. `GET /docs`: the guides of this repository, and at `/docs/api` the
 * description as Swagger UI shows it. The pages' files all come from here, and they may load nothing from elsewhere.
 * Every address in them is relative: they work behind any path.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type RequestHandler, Router } from "express";
import { API_REFERENCE, Documents, INDEX } from "./documents.ts";
import { DocumentPages } from "./document-pages.ts";

const require = createRequire(import.meta.url);
const asset = (file: string): string => fileURLToPath(new URL(`assets/${file}`, import.meta.url));

/** By address. Of the library, only what the page needs. */
const FILES: ReadonlyMap<string, string> = new Map([
  [API_REFERENCE, asset("reference.html")],
  ["docs/reference.css", asset("reference.css")],
  ["docs/reference.js", asset("reference.js")],
  ["docs/guide.css", asset("guide.css")],
  ["docs/swagger-ui.css", require.resolve("swagger-ui-dist/swagger-ui.css")],
  ["docs/swagger-ui-bundle.js", require.resolve("swagger-ui-dist/swagger-ui-bundle.js")],
  ["docs/favicon.png", require.resolve("swagger-ui-dist/favicon-32x32.png")],
]);

/** Scripts and requests of its own origin only. `data:` is for the icons in the library's style sheet. */
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

/** `describe` is asked once, by the first who wants to know: no start waits for it. */
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

/** Only addresses that were known at the start lead anywhere. */
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
    // Express answers 304 by the ETag, and by a file's own date.
    if (page !== undefined) response.set({ etag: page.etag }).type("html").send(page.html);
    else response.sendFile(file!);
  };
}
