/**
 * Request bodies as JSON, regardless of their Content-Type, up to a size, a depth and a number of values. The last limits
 * the cost beyond the bytes: parsing 32 MiB of text takes 50 ms, parsing 32 MiB of `{}` takes seconds and gigabytes.
 */
import type { RequestHandler } from "express";
import { releaseBytes } from "./body-bytes.ts";
import { sendContinue } from "./expect-continue.ts";
import { hasBody, readBytes } from "./read-bytes.ts";
import { refuseBody } from "./refuse-body.ts";
import { bodyTooDeep, malformedJson, tooManyFields, tooManyValues } from "../../lifecycle/errors/http.ts";
import { JsonReader, createLevels } from "../../concurrency/json-reader.ts";
import { type JsonLimits, JsonReadError } from "../../concurrency/json-limits.ts";
import { readInSlices } from "../../concurrency/parse-in-slices.ts";

export const DEFAULT_MAX_VALUES = 500_000;

/** More than any real request has, and few enough that recursion over a body, as in JSON.stringify, cannot overflow. */
export const MAX_DEPTH = 256;

/** Per object: more than any schema or map of a real request has. Objects with more are slow to iterate. */
export const MAX_FIELDS = 10_000;

/** Bodies above either limit are processed in slices. */
const LARGE_BYTES = 512 * 1024;
const LARGE_VALUES = 10_000;

const wideBodies = new WeakSet<object>();

/** Whether a body has so many values that checking them at once would delay other requests. */
export function isWide(body: unknown): boolean {
  return typeof body === "object" && body !== null && wideBodies.has(body);
}

/** An empty body counts as none. */
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
  const limits = jsonLimitsFor(maxValues);
  const reader = new JsonReader(bytes, { limits });
  try {
    return markIfWide(reader, await readInSlices(reader));
  } catch (error) {
    throw toBodyError(error, limits);
  } finally {
    releaseBytes(bytes);
  }
}

/** Shared: only one body at a time is read synchronously. */
const levels = createLevels(MAX_DEPTH);

export function parseJson(bytes: Buffer, maxValues = DEFAULT_MAX_VALUES): unknown {
  const limits = jsonLimitsFor(maxValues);
  try {
    const reader = new JsonReader(bytes, { limits, levels });
    while (!reader.read(bytes.length));
    return markIfWide(reader, reader.value());
  } catch (error) {
    throw toBodyError(error, limits);
  }
}

function jsonLimitsFor(maxValues: number): JsonLimits {
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
      return refuseBody("malformed", malformedJson());
    case "depth":
      return refuseBody("too_deep", bodyTooDeep(depth));
    case "fields":
      return refuseBody("too_many_fields", tooManyFields(fields));
    case "values":
      return refuseBody("too_many_values", tooManyValues(values));
  }
}
