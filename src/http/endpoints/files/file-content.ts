/**
 * `GET /files/:id/content`: the bytes of a file, or a range of them (RFC 9110, 14). A browser downloads them and never
 * shows them: they come from anyone.
 */
import { pipeline } from "node:stream/promises";
import type { Request as HttpRequest, RequestHandler, Response as HttpResponse } from "express";
import type { ApiContext } from "../../../context.ts";
import { openFile } from "../../../files/read-file.ts";
import type { ByteRange } from "../../../blobs/blob-store.ts";
import { rangeNotSatisfiable } from "../../../lifecycle/errors/files.ts";
import type { StoredFile } from "../../../store/files/file-records.ts";
import { loadOwnedFile } from "../../resources/load-owned-file.ts";

export function retrieveFileContent(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const file = await loadOwnedFile(context, request, response.locals.project);
    setHeaders(response, file);
    if (hasSameBytes(request, file)) return void response.status(304).end();
    const range = selectRange(request, file);
    const { start, end } = range ?? { start: 0, end: file.bytes - 1 };
    if (range !== undefined) response.status(206).setHeader("content-range", `bytes ${start}-${end}/${file.bytes}`);
    response.setHeader("content-length", end - start + 1);
    if (request.method === "HEAD") return void response.end();
    const content = await openFile(context, file, range);
    // A client that leaves is no error. A store that fails cuts the answer off, and the client knows its length.
    await pipeline(content, response).catch((error: unknown) => {
      if (!response.destroyed || content.errored !== null) throw error;
    });
  };
}

function setHeaders(response: HttpResponse, { filename, contentType, sha256 }: StoredFile): void {
  response.attachment(filename);
  response.setHeader("content-type", contentType);
  response.setHeader("etag", etagOf(sha256));
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("cache-control", "private, no-cache, no-transform");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("content-security-policy", "default-src 'none'; sandbox");
}

function etagOf(sha256: string): string {
  return `"${sha256}"`;
}

/** If-None-Match (RFC 9110, 13.1.2). Express also looks at the request's `Cache-Control`, which is for caches. */
function hasSameBytes(request: HttpRequest, { sha256 }: StoredFile): boolean {
  const tags = request.get("if-none-match")?.split(",") ?? [];
  return tags.some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etagOf(sha256));
}

/**
 * The one range that is asked for. Undefined for all bytes: also if several ranges are asked for, if the header is
 * malformed, or if it is for other bytes than these (If-Range). Throws the contract's 416 for a range beyond the file.
 */
function selectRange(request: HttpRequest, { bytes, sha256 }: StoredFile): ByteRange | undefined {
  const condition = request.get("if-range");
  if (condition !== undefined && condition !== etagOf(sha256)) return undefined;
  const ranges = request.range(bytes);
  if (ranges === -1) throw rangeNotSatisfiable(bytes);
  if (ranges === undefined || ranges === -2 || ranges.type !== "bytes" || ranges.length !== 1) return undefined;
  return ranges[0];
}
