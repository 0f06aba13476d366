/** Query parameters of lists, `include` and flags. */
import type { Request as HttpRequest } from "express";
import type { z } from "zod";
import { type Included, toIncluded } from "../../lifecycle/include.ts";
import { type ContainerListQuery, containerListQuerySchema } from "../../protocol/container.ts";
import { type FileListQuery, fileListQuerySchema } from "../../protocol/file.ts";
import { type EventTimesQuery, eventTimesQuerySchema } from "../../protocol/run.ts";
import { includeQuerySchema, type ListQuery, listQuerySchema } from "../../protocol/list.ts";
import {
  type DatedListQuery,
  datedListQuerySchema,
  type ResponseListQuery,
  responseListQuerySchema,
} from "../../protocol/response-list.ts";
import {
  type WebhookDeliveryListQuery,
  webhookDeliveryListQuerySchema,
  type WebhookEndpointListQuery,
  webhookEndpointListQuerySchema,
} from "../../protocol/webhook.ts";
import { checkFields } from "./check-fields.ts";
import { toValidationError, wrongTypeError } from "./validation-errors.ts";

export function parseContainerListQuery(query: HttpRequest["query"]): ContainerListQuery {
  return parseQuery(containerListQuerySchema, query);
}

export function parseFileListQuery(query: HttpRequest["query"]): FileListQuery {
  return parseQuery(fileListQuerySchema, query);
}

export function parseWebhookEndpointListQuery(query: HttpRequest["query"]): WebhookEndpointListQuery {
  return parseQuery(webhookEndpointListQuerySchema, query);
}

export function parseWebhookDeliveryListQuery(query: HttpRequest["query"]): WebhookDeliveryListQuery {
  return parseQuery(webhookDeliveryListQuerySchema, query);
}

export function parseListQuery(query: HttpRequest["query"]): ListQuery {
  return parseQuery(listQuerySchema, query);
}

export function parseResponseListQuery(query: HttpRequest["query"]): ResponseListQuery {
  return parseQuery(responseListQuerySchema, query);
}

export function parseDatedListQuery(query: HttpRequest["query"]): DatedListQuery {
  return parseQuery(datedListQuerySchema, query);
}

export function parseInclude(query: HttpRequest["query"]): Included {
  return toIncluded(parseQuery(includeQuerySchema, query).include);
}

/** Throws the contract's error for the first wrong parameter. Unknown ones are ignored. */
export function parseQuery<S extends z.ZodType>(schema: S, query: Readonly<Record<string, unknown>>): z.infer<S> {
  // An empty value, such as `?limit=`, means the default.
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const fields = Object.fromEntries(given.map(([name, value]) => [name, READERS[name]?.(value) ?? value]));
  const parsed = checkFields(schema, fields, 1);
  if (parsed.issues !== undefined) throw toValidationError(parsed.issues, fields);
  return parsed.data;
}

/** `after` is a sequence number here. */
export function parseEventTimesQuery({ after, ...rest }: HttpRequest["query"]): EventTimesQuery {
  return parseQuery(eventTimesQuerySchema, { ...rest, ...(after !== undefined && { after: toNumber(after) }) });
}

/** Parameters that are not strings. */
const READERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  background: toFlag,
  created_after: toNumber,
  created_before: toNumber,
  include: toList,
  limit: toNumber,
  metadata: toFields,
  status: toList,
  include_archived: toFlag,
  start_time: toNumber,
  end_time: toNumber,
  group_by: toList,
  project_ids: toList,
  models: toList,
  event_types: toList,
  actor_ids: toList,
  resource_ids: toList,
  effective_at: toRange,
};

function toFlag(value: unknown): unknown {
  if (value === "true" || value === "1") return true;
  return value === "false" || value === "0" ? false : value;
}

/** `effective_at[gte]=1`. */
function toRange(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, bound]) => [name, toNumber(bound)]));
}

/** Decimal numbers only: JavaScript also reads `0x10`, `1e1` and blanks as numbers. */
function toNumber(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** `metadata[0]=a` is a pair with the key "0", which the parser reads as a list. */
function toFields(value: unknown): unknown {
  return Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : value;
}

/** Many clients send a single value without `[]`. The parser turns a long list into an object with indices as keys. */
function toList(value: unknown): unknown {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.keys(value).every((key, index) => key === String(index)) ? Object.values(value) : value;
}

export function parseFlag(query: HttpRequest["query"], name: string): boolean {
  const value = query[name];
  if (value === undefined || value === "false" || value === "0") return false;
  if (value === "true" || value === "1") return true;
  throw wrongTypeError(name, "a boolean", value);
}
