/**
 * Request bodies: JSON whatever the Content-Type says, within a size, a depth and a number of values. The number bounds what
 * a body costs beyond its bytes: 32 MiB of text are read in 50 ms, 32 MiB of `{}` take seconds and gigabytes.
 */
import type { RequestHandler } from "express";
import { sendContinue } from "./http-server.ts";
import { releaseBytes } from "./body-bytes.ts";
import { hasBody, readBytes } from "./read-bytes.ts";
import { bodyTooDeep, malformedJson, tooManyFields, tooManyValues } from "../../lifecycle/errors/http.ts";
import { type JsonLimits, JsonReader, JsonReadError, createLevels } from "../../concurrency/json-reader.ts";
import { readInSlices } from "../../concurrency/parse-in-slices.ts";

export const DEFAULT_MAX_VALUES = 500_000;

/**
 * Deeper than any real request, and shallow enough that no recursive walk over a body (JSON.stringify among them)
 * overflows the stack.
 */
export const MAX_DEPTH = 256;

/** Of one object. Far more than any schema or map of a real request has; whatever walks through more of them is slow. */
export const MAX_FIELDS = 10_000;

/** Bodies with more than either are worked on in turns. */
const LARGE_BYTES = 512 * 1024;
const LARGE_VALUES = 10_000;

const wideBodies = new WeakSet<object>();

/** Whether a body has so many values that checking them holds others up. */
export function isWide(body: unknown): boolean {
  return typeof body === "object" && body !== null && wideBodies.has(body);
}

/** Reads the body as bytes, then as JSON. No bytes are no body. */
export function jsonBody(limitBytes: number, maxValues: number): RequestHandler {
  return async (request, response, next) => {
    request.body = undefined;
    if (hasBody(request)) {
      sendContinue(request, response);
      const bytes = await readBytes(request, limitBytes);
      if (bytes.length > 0) request.body = await readJson(bytes, maxValues);
    }
    next();
  };
}

async function readJson(bytes: Buffer, maxValues: number): Promise<unknown> {
  if (bytes.length <= LARGE_BYTES && maxValues >= LARGE_VALUES) return parseJson(bytes, maxValues);
  const limits = jsonBoundsFor(maxValues);
  const reader = new JsonReader(bytes, { limits });
  try {
    return markIfWide(reader, await readInSlices(reader));
  } catch (error) {
    throw toBodyError(error, limits);
  } finally {
    releaseBytes(bytes);
  }
}

/** One body at a time is read in one piece. */
const levels = createLevels(MAX_DEPTH);

export function parseJson(bytes: Buffer, maxValues = DEFAULT_MAX_VALUES): unknown {
  const limits = jsonBoundsFor(maxValues);
  try {
    const reader = new JsonReader(bytes, { limits, levels });
    while (!reader.read(bytes.length));
    return markIfWide(reader, reader.value());
  } catch (error) {
    throw toBodyError(error, limits);
  }
}

function jsonBoundsFor(maxValues: number): JsonLimits {
  return { depth: MAX_DEPTH, fields: MAX_FIELDS, values: maxValues };
}

function markIfWide(reader: JsonReader, body: unknown): unknown {
  if (reader.values > LARGE_VALUES && typeof body === "object" && body !== null) wideBodies.add(body);
  return body;
}

function toBodyError(error: unknown, { depth, fields, values }: JsonLimits): unknown {
  if (!(error instanceof JsonReadError)) return error;
  switch (error.reason) {
    case "malformed":
      return malformedJson();
    case "depth":
      return bodyTooDeep(depth);
    case "fields":
      return tooManyFields(fields);
    case "values":
      return tooManyValues(values);
  }
}
