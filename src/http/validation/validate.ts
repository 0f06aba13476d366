/** Requests are checked here, once; nothing behind it looks at a body again. */
import type { Request as HttpRequest } from "express";
import type { z } from "zod";
import { type ApiError, badRequest, missingParameter } from "../../lifecycle/errors/api-error.ts";
import {
  exclusiveContext,
  type CursorSource,
  malformedContainerId,
  malformedConversationId,
  malformedCursor,
  malformedResponseId,
  misplacedTrigger,
  triggerNotKept,
} from "../../lifecycle/errors/requests.ts";
import { checkCompletionWindow } from "../../lifecycle/completion-window.ts";
import {
  containerNotFound,
  conversationNotFound,
  modelNotFound,
  responseNotFound,
} from "../../lifecycle/errors/state.ts";
import { type ContainerListQuery, containerListQuerySchema } from "../../protocol/container.ts";
import { type CreateRequest, createRequestSchema } from "../../protocol/create-request.ts";
import type { InputItem } from "../../protocol/item.ts";
import { isContainerId, isConversationId, isResponseId } from "../../protocol/id.ts";
import { type Included, toIncluded } from "../../lifecycle/include.ts";
import { includeQuerySchema, type ListQuery, listQuerySchema } from "../../protocol/list.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { checkFields } from "./check-fields.ts";
import { toValidationError, reservedNameError, wrongTypeError } from "./validation-errors.ts";
import { isWide } from "../middleware/json-body.ts";
import { UnknownParameters } from "./unknown-parameters.ts";

const KNOWN_PARAMETERS = Object.keys(createRequestSchema.shape);

/** Whatever stands in for `input`: with one of them the model has something to answer. */
const CONTEXT_PARAMETERS = ["previous_response_id", "prompt", "conversation"] as const;

/** How names are taken that the published API does not have. */
interface NameRules {
  unknown?: UnknownParameters;
  /** Looked up for the model of a request that leaves it to its prompt. */
  prompts?: { modelOf(prompt: unknown): string | undefined };
}

/** The body of `POST /responses`, or the first fault in the contract's order (contract.md#order-of-errors). */
export function parseCreateRequest(body: unknown, catalog: ProviderCatalog, rules: NameRules = {}): CreateRequest {
  const { unknown, fields, finish } = prepareCreateRequest(body, catalog, rules);
  return finish(unknown.parse(createRequestSchema, fields));
}

/** The same, of a body of any size, without holding up other requests. */
export async function parseCreateRequestInSlices(
  body: unknown,
  catalog: ProviderCatalog,
  rules: NameRules = {},
): Promise<CreateRequest> {
  if (!isWide(body)) return parseCreateRequest(body, catalog, rules);
  const { unknown, fields, finish } = prepareCreateRequest(body, catalog, rules);
  return finish(await unknown.parseInSlices(createRequestSchema, fields));
}

/** What is checked of a body before its parameters are, and what after. */
function prepareCreateRequest(
  body: unknown,
  catalog: ProviderCatalog,
  { unknown = new UnknownParameters(), prompts }: NameRules,
) {
  const sent = toFields(body);
  if (sent["model"] === undefined && sent["prompt"] == null) throw missingParameter("model");
  const hasContext = CONTEXT_PARAMETERS.some((name) => sent[name] != null);
  if (sent["input"] === undefined && !hasContext) throw missingParameter("input");
  checkMetadataNames(sent);
  const extra = extractExtraParameters(
    sent,
    extraParameterNames(catalog, sent["model"] ?? prompts?.modelOf(sent["prompt"])),
  );
  const fields = unknown.dropUnknown(extra.rest, KNOWN_PARAMETERS);
  const finish = (parsed: z.infer<typeof createRequestSchema>): CreateRequest => {
    const { client_metadata: _unkept, ...request } = parsed;
    checkContextParameters(request);
    checkCompletionWindow(request);
    if (!hasContext && hasNoInput(request.input)) throw emptyInputError();
    const { model } = request;
    if (model !== undefined && catalog.resolve(model) === undefined) throw modelNotFound(model);
    return { ...request, ...extra.parameters };
  };
  return { unknown, fields, finish };
}

/** Apart from the rest: what is the provider's own. */
export function extractExtraParameters(
  fields: Record<string, unknown>,
  names: readonly string[],
): { rest: Record<string, unknown>; parameters: Pick<CreateRequest, "extra_parameters"> } {
  if (!names.some((name) => Object.hasOwn(fields, name))) return { rest: fields, parameters: {} };
  const entries = Object.entries(fields);
  const isExtra = ([name]: [string, unknown]): boolean => names.includes(name);
  return {
    rest: Object.fromEntries(entries.filter((entry) => !isExtra(entry))),
    parameters: { extra_parameters: Object.fromEntries(entries.filter(isExtra)) },
  };
}

export function checkContextParameters(
  request: Pick<CreateRequest, "conversation" | "previous_response_id" | "input">,
): void {
  if (request.conversation != null && request.previous_response_id != null) throw exclusiveContext();
  checkTrigger(request.input);
}

/** openai 7.59: "Must be the final input item." */
export function checkTrigger(input: CreateRequest["input"] | null): void {
  const place = Array.isArray(input) ? input.findIndex(isTrigger) : -1;
  if (place >= 0 && place < input!.length - 1) throw misplacedTrigger(place);
}

/** Where items are kept rather than said. */
export function rejectTriggers(items: readonly InputItem[]): void {
  const place = items.findIndex(isTrigger);
  if (place >= 0) throw triggerNotKept(place);
}

/** A trigger alone has nothing to compact. */
export function hasNoInput(input: CreateRequest["input"] | null): boolean {
  return input == null || input.length === 0 || (Array.isArray(input) && input.every(isTrigger));
}

const isTrigger = (item: InputItem): boolean => item.type === "compaction_trigger";

/** The body of any other POST: no body is an empty one. */
export function parseBody<S extends z.ZodObject>(
  schema: S,
  body: unknown,
  unknown = new UnknownParameters(),
): z.infer<S> {
  return unknown.parse(schema, prepareBody(schema, body, unknown));
}

/** The same, of a body of any size, without holding up other requests. */
export async function parseBodyInSlices<S extends z.ZodObject>(
  schema: S,
  body: unknown,
  unknown = new UnknownParameters(),
  inTurns = isWide(body),
): Promise<z.infer<S>> {
  const fields = prepareBody(schema, body, unknown);
  return inTurns ? unknown.parseInSlices(schema, fields) : unknown.parse(schema, fields);
}

function prepareBody(schema: z.ZodObject, body: unknown, unknown: UnknownParameters): Record<string, unknown> {
  const sent = toFields(body);
  checkMetadataNames(sent);
  return unknown.dropUnknown(sent, Object.keys(schema.shape));
}

export function toFields(body: unknown): Record<string, unknown> {
  if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body))) {
    throw wrongTypeError("body", "an object", body);
  }
  return (body ?? {}) as Record<string, unknown>;
}

/** zod leaves this name out of what it answers, and what was sent must not vanish in silence. */
function checkMetadataNames({ metadata }: Record<string, unknown>): void {
  if (typeof metadata === "object" && metadata !== null && Object.hasOwn(metadata, "__proto__")) {
    throw reservedNameError("metadata", "__proto__");
  }
}

export function emptyInputError(): ApiError {
  const message = `One of "input" or "previous_response_id" or 'prompt' or 'conversation' must be provided.`;
  return badRequest(message, null, "missing_required_parameter");
}

/** The id in the path. An id that cannot be one of ours is either malformed or unknown, never looked up. */
export function parseResponseId(request: HttpRequest): string {
  const id = String(request.params["response_id"]);
  if (!id.startsWith("resp")) throw malformedResponseId(id);
  if (!isResponseId(id)) throw responseNotFound(id);
  return id;
}

/** The same, of a conversation. */
export function parseConversationId(request: HttpRequest): string {
  const id = String(request.params["conversation_id"]);
  if (!id.startsWith("conv")) throw malformedConversationId(id);
  if (!isConversationId(id)) throw conversationNotFound(id);
  return id;
}

/** The same, of a container. */
export function parseContainerId(request: HttpRequest): string {
  const id = String(request.params["container_id"]);
  if (!id.startsWith("cntr")) throw malformedContainerId(id);
  if (!isContainerId(id)) throw containerNotFound(id);
  return id;
}

export function parseContainerListQuery(query: HttpRequest["query"]): ContainerListQuery {
  return parseQuery(containerListQuerySchema, query);
}

export function parseListQuery(query: HttpRequest["query"]): ListQuery {
  return parseQuery(listQuerySchema, query);
}

export function parseInclude(query: HttpRequest["query"]): Included {
  return toIncluded(parseQuery(includeQuerySchema, query).include);
}

function parseQuery<S extends z.ZodType>(schema: S, query: HttpRequest["query"]): z.infer<S> {
  // `?limit=` says nothing of it.
  const stated = Object.entries(query).filter(([, value]) => value !== "");
  const fields = Object.fromEntries(stated.map(([name, value]) => [name, READERS[name]?.(value) ?? value]));
  const parsed = checkFields(schema, fields, 1);
  if (parsed.issues !== undefined) throw toValidationError(parsed.issues, fields);
  return parsed.data;
}

/** What a query says as text. */
const READERS: Readonly<Record<string, (value: unknown) => unknown>> = { include: listOf, limit: numberOf };

/** As people write it: JavaScript reads `0x10`, `1e1` and blanks as numbers, too. */
function numberOf(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** Of one value alone, many clients write no list; of more than it expects, the parser makes an object with their places. */
function listOf(value: unknown): unknown {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.keys(value).every((key, place) => key === String(place)) ? Object.values(value) : value;
}

export function parseFlag(query: HttpRequest["query"], name: string): boolean {
  const value = query[name];
  if (value === undefined || value === "false" || value === "0") return false;
  if (value === "true" || value === "1") return true;
  throw wrongTypeError(name, "a boolean", value);
}

/**
 * The last sequence number that a subscriber has: `starting_after`, or else `Last-Event-ID` (contract.md#cursors).
 * Undefined if neither names one: it wants everything, from 0.
 */
export function parseCursor(request: HttpRequest): { value: number; source: CursorSource } | undefined {
  const parameter = request.query["starting_after"];
  const value = parameter ?? request.get("last-event-id");
  if (value === undefined) return undefined;
  const source = parameter === undefined ? "Last-Event-ID" : "starting_after";
  const isInteger = typeof value === "string" && /^\d{1,15}$/.test(value);
  if (!isInteger) throw malformedCursor(typeof value === "string" ? value : JSON.stringify(value), source);
  return { value: Number(value), source };
}
