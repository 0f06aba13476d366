/** An endpoint as its file in `operations/` describes it, and its translation to OpenAPI. */
import { STATUS_CODES } from "node:http";
import type { z } from "zod";
import { errorEnvelopeSchema } from "../protocol/error.ts";
import { type HeaderName, toHeaderRefs, COMMON_HEADERS, REQUEST_HEADER_REFS } from "./headers.ts";
import { type DocumentedError, DOCUMENTED_ERRORS } from "./documented-errors.ts";
import { schemaRef } from "./schemas.ts";
import type { ApiResponse, Example, JsonSchema, Operation, Parameter, Reference } from "./spec.ts";

export interface DocumentedAnswer {
  description: string;
  headers?: readonly HeaderName[];
  /** Content by media type. Absent if there is no body. */
  content?: Record<string, Body>;
}

interface Body {
  schema: z.ZodType | JsonSchema;
  /** Examples by summary. */
  examples?: Readonly<Record<string, unknown>>;
}

export interface Endpoint {
  /** The `operationId`. */
  id: string;
  tag:
    | "Responses"
    | "Conversations"
    | "Files"
    | "Containers"
    | "Webhooks"
    | "Embeddings"
    | "Models"
    | "Organization"
    | "Server";
  summary: string;
  description?: string;
  parameters?: readonly (Parameter | Reference)[];
  body?: Body & { description: string; isRequired: boolean; type?: "multipart/form-data" };
  /** Answers by status. */
  answers: Readonly<Record<number, DocumentedAnswer>>;
  /** In addition to `COMMON_ERRORS`, which every endpoint has unless it is public. */
  errors?: readonly (keyof typeof DOCUMENTED_ERRORS | DocumentedError)[];
  /** On every answer, including errors. */
  headers?: readonly HeaderName[];
  /** Served at the root, without a key. */
  isPublic?: boolean;
}

const COMMON_ERRORS = [
  "missingApiKey",
  "incorrectApiKey",
  "foreignPage",
  "malformedUrl",
  "malformedClientRequestId",
  "internalError",
] as const;

/** Errors of every endpoint with a body. */
const BODY_ERRORS = [
  "malformedJson",
  "bodyTooDeep",
  "tooManyFields",
  "tooManyValues",
  "unreadableBody",
  "unsupportedEncoding",
  "payloadTooLarge",
] as const;

/** Errors of every endpoint with a form. */
const FORM_ERRORS = [
  "multipartExpected",
  "malformedMultipart",
  "formTooLarge",
  "severalFiles",
  "fileExpected",
  "unreadableBody",
  "unsupportedEncoding",
] as const;

const CELL_CHARACTERS = 60;

/** The server rejects such requests before any operation sees them. */
const HTTP_ERRORS = [
  "malformedHttp",
  "missingHost",
  "severalHosts",
  "expectationFailed",
  "socketsNotSpoken",
  "requestTimedOut",
  "headersTooLarge",
] as const;

/** Responses that become components with these names. */
export const NAMED_RESPONSES: Readonly<Record<string, { status: string; response: ApiResponse }>> = {
  UnknownUrl: { status: "404", response: createErrorResponse("404", [withName("invalidUrl")], COMMON_HEADERS) },
  HttpError: { status: "4XX", response: createErrorResponse("4XX", HTTP_ERRORS.map(withName), COMMON_HEADERS) },
};

export const pathParameter = (name: string, description: string, pattern?: string): Parameter => ({
  name,
  in: "path",
  description,
  required: true,
  schema: { type: "string", ...(pattern !== undefined && { pattern }) },
});

export const queryParameter = (name: string, description: string, schema: JsonSchema): Parameter => ({
  name,
  in: "query",
  description,
  schema,
});

export function toOperation(endpoint: Endpoint): Operation {
  const { id, tag, summary, description, body } = endpoint;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(endpoint.isPublic === true && { security: [] }),
    ...parametersOf(endpoint),
    ...(body !== undefined && {
      requestBody: {
        description: body.description,
        required: body.isRequired,
        content: { [body.type ?? "application/json"]: mediaType(body) },
      },
    }),
    responses: responsesOf(endpoint),
  };
}

function parametersOf({ parameters = [], isPublic }: Endpoint): Pick<Operation, "parameters"> {
  const all = [...parameters, ...(isPublic === true ? [] : REQUEST_HEADER_REFS)];
  return all.length === 0 ? {} : { parameters: all };
}

function responsesOf(endpoint: Endpoint): Record<string, ApiResponse> {
  const shared: HeaderName[] = [...(endpoint.isPublic === true ? [] : COMMON_HEADERS), ...(endpoint.headers ?? [])];
  const answers = Object.entries(endpoint.answers).map(([status, { description, headers = [], content }]) => {
    const types = Object.entries(content ?? {}).map(([type, each]) => [type, mediaType(each)] as const);
    const answer = {
      description,
      headers: toHeaderRefs([...shared, ...headers]),
      ...(content !== undefined && { content: Object.fromEntries(types) }),
    };
    return [status, answer] as const;
  });
  const ofBody = endpoint.body === undefined ? [] : endpoint.body.type === undefined ? BODY_ERRORS : FORM_ERRORS;
  const common = [...COMMON_ERRORS, ...ofBody];
  const named = [...(endpoint.errors ?? []), ...(endpoint.isPublic === true ? [] : common)];
  const errors = named.map((each) => (typeof each === "string" ? withName(each) : each));
  const byStatus = Map.groupBy(errors, ({ error }) => String(error.status));
  const errorResponses = [...byStatus].map(
    ([status, each]) => [status, createErrorResponse(status, each, shared)] as const,
  );
  const { status, response } = NAMED_RESPONSES["HttpError"]!;
  return Object.fromEntries([...answers, ...errorResponses, [status, response]]);
}

function withName(name: keyof typeof DOCUMENTED_ERRORS): DocumentedError & { name: string } {
  return { name, ...DOCUMENTED_ERRORS[name] };
}

/** All errors of one status, or of a range, as a table and as examples. */
function createErrorResponse(
  status: string,
  errors: readonly (DocumentedError & { name?: string })[],
  shared: readonly HeaderName[],
): ApiResponse {
  const headers = new Set([...shared, ...errors.flatMap(({ error }) => Object.keys(error.headers))]);
  const isRange = status.endsWith("XX");
  const rows = errors.map(({ when, error }) => [
    ...(isRange ? [String(error.status)] : []),
    tableCell(error.code),
    tableCell(error.param),
    when,
  ]);
  const columns = [...(isRange ? ["status"] : []), "code", "param", "when"];
  const table = [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const examples: Record<string, Example> = {};
  for (const { name, when, error } of errors) {
    examples[name ?? uniqueExampleKey(String(error.code), examples)] = { summary: when, value: error.toEnvelope() };
  }
  return {
    description: `${isRange ? "The request breaks a rule of HTTP" : (STATUS_CODES[status] ?? status)}.\n\n${table}`,
    headers: toHeaderRefs(headers),
    content: { "application/json": { schema: { ...schemaRef(errorEnvelopeSchema) }, examples } },
  };
}

function tableCell(value: string | null): string {
  if (value === null) return "null";
  return `\`${value.length > CELL_CHARACTERS ? `${value.slice(0, 20)}…` : value}\``;
}

function uniqueExampleKey(code: string, taken: Readonly<Record<string, unknown>>): string {
  let key = code;
  for (let i = 2; key in taken; i += 1) key = `${code}_${i}`;
  return key;
}

function mediaType({ schema, examples }: Body): { schema: JsonSchema; examples?: Record<string, Example> } {
  const described = "_zod" in schema ? { ...schemaRef(schema as z.ZodType) } : schema;
  if (examples === undefined) return { schema: described };
  const entries = Object.entries(examples).map(([summary, value], i) => [`example_${i + 1}`, { summary, value }]);
  return { schema: described, examples: Object.fromEntries(entries) };
}
