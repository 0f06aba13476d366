/** Request bodies: JSON whatever the Content-Type says, within a size and a depth. */
import express, { type RequestHandler } from "express";
import { bodyTooDeep, malformedJson } from "../lifecycle/errors/http.ts";

/**
 * Deeper than any real request, and shallow enough that no recursive walk over a body (JSON.stringify among them)
 * overflows the stack.
 */
export const MAX_DEPTH = 256;

const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the body as bytes, then as JSON. No bytes are no body. */
export function jsonBody(limitBytes: number): RequestHandler[] {
  return [
    express.raw({ limit: limitBytes, type: () => true }),
    (request, _response, next) => {
      const bytes: unknown = request.body;
      request.body = Buffer.isBuffer(bytes) && bytes.length > 0 ? parseJson(bytes) : undefined;
      next();
    },
  ];
}

export function parseJson(bytes: Buffer): unknown {
  checkDepth(bytes);
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw malformedJson();
  }
}

/** Looks at the bytes, before anything is built from them. */
function checkDepth(body: Buffer): void {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < body.length; i += 1) {
    const byte = body[i]!;
    if (isInString) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) {
      isInString = true;
    } else if (OPEN.has(byte)) {
      depth += 1;
      if (depth > MAX_DEPTH) throw bodyTooDeep(MAX_DEPTH);
    } else if (CLOSE.has(byte)) {
      depth -= 1;
    }
  }
}
