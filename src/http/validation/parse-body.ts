/** Request bodies against their schemas, at once or in slices. Each body is checked once, here. */
import type { z } from "zod";
import { isWide } from "../middleware/json-body.ts";
import { UnknownParameters } from "./unknown-parameters.ts";
import { reservedNameError, wrongTypeError } from "./validation-errors.ts";

/** The checked fields of a body. A request without a body has an empty one. */
export function parseBody<S extends z.ZodObject>(
  schema: S,
  body: unknown,
  unknown = new UnknownParameters(),
): z.infer<S> {
  return unknown.parse(schema, prepareBody(schema, body, unknown));
}

/** Checks a large body in slices, so that other requests are served meanwhile. */
export async function parseBodyInSlices<S extends z.ZodObject>(
  schema: S,
  body: unknown,
  unknown = new UnknownParameters(),
  inSlices = isWide(body),
): Promise<z.infer<S>> {
  const fields = prepareBody(schema, body, unknown);
  return inSlices ? unknown.parseInSlices(schema, fields) : unknown.parse(schema, fields);
}

function prepareBody(schema: z.ZodObject, body: unknown, unknown: UnknownParameters): Record<string, unknown> {
  const fields = toFields(body);
  checkMetadataNames(fields);
  return unknown.dropUnknown(fields, Object.keys(schema.shape));
}

export function toFields(body: unknown): Record<string, unknown> {
  if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body))) {
    throw wrongTypeError("body", "an object", body);
  }
  return (body ?? {}) as Record<string, unknown>;
}

/** zod drops this name silently, and a response must echo its metadata as sent. */
export function checkMetadataNames({ metadata }: Record<string, unknown>): void {
  if (typeof metadata === "object" && metadata !== null && Object.hasOwn(metadata, "__proto__")) {
    throw reservedNameError("metadata", "__proto__");
  }
}
