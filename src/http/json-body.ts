/**
 * Request bodies: JSON whatever the Content-Type says, within a size, a depth and a number of values. The number bounds what
 * a body costs beyond its bytes: 32 MiB of text are read in 50 ms, 32 MiB of `{}` take seconds and gigabytes.
 */
import type { RequestHandler } from "express";
import { letBodyCome } from "./http-server.ts";
import { JsonReader, newLevels } from "./json-reader.ts";
import { hasBody, readBytes } from "./read-bytes.ts";
import { nextTurn } from "../turns/next-turn.ts";

export const DEFAULT_VALUES = 500_000;

/** Bodies with more than either are worked on in turns. */
const LARGE_BYTES = 512 * 1024;
const LARGE_VALUES = 10_000;
/** Some 5 ms. */
const SLICE_BYTES = 2 * 1024 * 1024;
const TURN_MS = 20;

const wide = new WeakSet<object>();

/** Whether a body has so many values that checking them holds others up. */
export function isWide(body: unknown): boolean {
  return typeof body === "object" && body !== null && wide.has(body);
}

/** Reads the body as bytes, then as JSON. No bytes are no body. */
export function jsonBody(limitBytes: number, maxValues: number): RequestHandler {
  return async (request, response, next) => {
    request.body = undefined;
    if (hasBody(request)) {
      letBodyCome(request, response);
      const bytes = await readBytes(request, limitBytes);
      if (bytes.length > 0) request.body = await readJson(bytes, maxValues);
    }
    next();
  };
}

async function readJson(bytes: Buffer, maxValues: number): Promise<unknown> {
  if (bytes.length <= LARGE_BYTES && maxValues >= LARGE_VALUES) return parseJson(bytes, maxValues);
  const reader = new JsonReader(bytes, { maxValues });
  let startedMs = performance.now();
  while (!reader.read(SLICE_BYTES)) {
    if (performance.now() - startedMs < TURN_MS) continue;
    await nextTurn();
    startedMs = performance.now();
  }
  await nextTurn();
  return resultOf(reader);
}

/** One body at a time is read in one piece. */
const levels = newLevels();

export function parseJson(bytes: Buffer, maxValues = DEFAULT_VALUES): unknown {
  const reader = new JsonReader(bytes, { maxValues, levels });
  while (!reader.read(bytes.length));
  return resultOf(reader);
}

function resultOf(reader: JsonReader): unknown {
  const body = reader.value();
  if (reader.values > LARGE_VALUES && typeof body === "object" && body !== null) wide.add(body);
  return body;
}
