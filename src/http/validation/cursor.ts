/** The cursor of a subscriber: the sequence number of the last event it has (contract.md#cursors). */
import type { Request as HttpRequest } from "express";
import { type CursorSource, malformedCursor } from "../../lifecycle/errors/requests.ts";

/** Reads `starting_after`, or else `Last-Event-ID`. Undefined without either: the stream starts at event 0. */
export function parseCursor(request: HttpRequest): { value: number; source: CursorSource } | undefined {
  const parameter = request.query["starting_after"];
  const value = parameter ?? request.get("last-event-id");
  if (value === undefined) return undefined;
  const source = parameter === undefined ? "Last-Event-ID" : "starting_after";
  const isInteger = typeof value === "string" && /^\d{1,15}$/.test(value);
  if (!isInteger) throw malformedCursor(typeof value === "string" ? value : JSON.stringify(value), source);
  return { value: Number(value), source };
}
