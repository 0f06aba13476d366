/** `GET /`: the console, a page that uses this API like any other client. Its files are under `/console/`. */
import { type RequestHandler, Router } from "express";
import { type Console, openConsole } from "../../console/console-files.ts";

const HEADERS = {
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Reads the files at the first request, so that no start waits for them. */
export function createConsoleRouter(): Router {
  let opened: Promise<Console> | undefined;
  const open = async (): Promise<Console> => {
    opened ??= openConsole();
    try {
      return await opened;
    } catch (error) {
      // The next request tries again.
      opened = undefined;
      throw error;
    }
  };
  const router = Router({ strict: true });
  router.get("/", sendPage(open));
  // The files of a page are no part of the API.
  router.use("/console", sendFile(open));
  return router;
}

function sendPage(open: () => Promise<Console>): RequestHandler {
  return async (_request, response) => {
    const { page } = await open();
    response.set({ ...HEADERS, "content-security-policy": page.contentSecurityPolicy });
    response.set({ "cache-control": "no-cache", etag: page.etag }).type("html").send(page.html);
  };
}

/** Serves only known addresses. An address names the content of all files, so a browser never asks for one again. */
function sendFile(open: () => Promise<Console>): RequestHandler {
  return async ({ method, path }, response, next) => {
    const { files } = await open();
    const file = method === "GET" || method === "HEAD" ? files.get(`console${path}`) : undefined;
    if (file === undefined) {
      next();
      return;
    }
    response.set({ ...HEADERS, "cache-control": "public, max-age=31536000, immutable" });
    response.type(`${file.type}; charset=utf-8`).send(file.body);
  };
}
