/**
 * `GET /openapi.json`: the description of the API. `GET /docs`: a page to read it on, by Swagger UI. The page's files all
 * come from here, and it may load nothing from elsewhere. Every address in it is relative: it works behind any path.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type RequestHandler, Router } from "express";

const require = createRequire(import.meta.url);
const page = (file: string): string => fileURLToPath(new URL(`docs-page/${file}`, import.meta.url));

/** Of the library, only what the page needs. */
const FILES: Readonly<Record<string, string>> = {
  "/swagger-ui.css": require.resolve("swagger-ui-dist/swagger-ui.css"),
  "/swagger-ui-bundle.js": require.resolve("swagger-ui-dist/swagger-ui-bundle.js"),
  "/favicon.png": require.resolve("swagger-ui-dist/favicon-32x32.png"),
  "/start.js": page("start.js"),
  "/page.css": page("page.css"),
};

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

/** `describe` is asked once, by the first who wants to know: no start waits for it. */
export function createDocsRouter(describe: () => Promise<object>): Router {
  let json: Promise<string> | undefined;
  const router = Router({ strict: true });
  router.get("/openapi.json", async (_request, response) => {
    json ??= describe().then((document) => JSON.stringify(document));
    response.type("application/json").send(await json);
  });
  router.get("/docs", (_request, response) => {
    response.set({ "content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer" });
    response.sendFile(page("index.html"));
  });
  router.use("/docs", sendFile);
  return router;
}

const sendFile: RequestHandler = (request, response, next) => {
  const file = Object.hasOwn(FILES, request.path) ? FILES[request.path] : undefined;
  if (request.originalUrl.endsWith("/docs/")) response.redirect("../docs");
  else if (file === undefined || request.method !== "GET") next();
  else response.set("x-content-type-options", "nosniff").sendFile(file);
};
