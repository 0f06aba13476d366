/**
 * The server's own description as an oracle: every request sent with `fetch`, and every answer to it, must match
 * `/openapi.json`. Call `expectDescribed()` once in a test file.
 */
import { createParser } from "eventsource-parser";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { ApiResponse, JsonSchema } from "../../src/openapi/spec.ts";
import {
  compileAll,
  document,
  findSchemaError,
  findEventError,
  parametersOf,
  resolveResponse,
  type Route,
  findRoute,
} from "./api-description.ts";

type ErrorBody = { error: { type: string; code: string | null } };

interface Exchange {
  method: string;
  url: URL;
  requestHeaders: Headers;
  requestBody: string | undefined;
  status: number;
  headers: Headers;
}

/** Undescribed headers of answers: stream transport, CORS and HTTP itself. */
const TRANSPORT_HEADERS = new Set(["x-accel-buffering", "x-content-type-options"]);
const OWN_HEADER = /^(?:x-|openai-|idempotent-|retry-after$|www-authenticate$)/;

/** Request headers that this server reads for more than a key or a page's origin. */
const REQUEST_HEADERS = ["x-request-id", "x-client-request-id", "idempotency-key", "last-event-id"];

/** All errors in an answer's head, and the schema for its body. */
function examine(exchange: Exchange): { errors: string[]; route: Route | undefined; answer: ApiResponse | undefined } {
  const route = findRoute(exchange.method, exchange.url);
  if (route === undefined) {
    const isRejected = exchange.status >= 400;
    const answer = document.components.responses["UnknownUrl"]!;
    return {
      errors: isRejected ? [] : ["is not described"],
      route,
      answer: exchange.status === 404 ? answer : undefined,
    };
  }
  const described = route.operation.responses[String(exchange.status)];
  if (described === undefined) return { errors: ["is answered with an undescribed status"], route, answer: undefined };
  const answer = resolveResponse(described);
  const errors = [
    ...errorsInHeaders(exchange.headers, answer),
    ...(exchange.status < 400 ? errorsInRequest(exchange, route) : []),
  ];
  return { errors, route, answer };
}

function errorsInHeaders(headers: Headers, answer: ApiResponse): string[] {
  return [...headers].flatMap(([name, value]) => {
    if (!OWN_HEADER.test(name) || TRANSPORT_HEADERS.has(name)) return [];
    if (answer.headers?.[name] === undefined) return [`has the undescribed header ${name}`];
    const { schema } = document.components.headers[name]!;
    return findSchemaError("answer", schema, fromText(schema, value)) ?? [];
  });
}

function errorsInParameters({ url, requestHeaders }: Exchange, { operation }: Route): string[] {
  const { searchParams } = url;
  // An empty value counts as absent.
  const stated = [...new Set(searchParams.keys())].filter((key) => searchParams.getAll(key).join("") !== "");
  const inQuery = stated.map((key) => ["query", key, searchParams.getAll(key)] as const);
  const inHeaders = REQUEST_HEADERS.filter((name) => requestHeaders.has(name));
  const given = [...inQuery, ...inHeaders.map((name) => ["header", name, [requestHeaders.get(name)!]] as const)];
  return given.flatMap(([location, key, values]) => {
    // Many clients name lists `a[]`. An object is written as `a[key]`.
    const [, name = key, field] = /^(\w+)\[(.*)\]$/.exec(key) ?? [];
    const parameter = parametersOf(operation).find((each) => each.in === location && each.name.toLowerCase() === name);
    if (parameter === undefined) return [`takes the undescribed ${location} parameter ${name}`];
    const { schema } = parameter;
    if (parameter.style === "deepObject") {
      const fields = schema["properties"] as Record<string, JsonSchema> | undefined;
      const value = fromText(fields?.[field!] ?? {}, values[0]);
      return findSchemaError("request", schema, { [field!]: value }) ?? [];
    }
    const value = schema["type"] === "array" ? values : fromText(schema, values[0]);
    return findSchemaError("request", schema, value) ?? [];
  });
}

function errorsInRequest(exchange: Exchange, route: Route): string[] {
  const { requestBody } = exchange;
  const { operation } = route;
  const errors = errorsInParameters(exchange, route);
  const body = operation.requestBody;
  if (body === undefined || (requestBody ?? "") === "") return errors;
  const mismatch = findSchemaError("request", body.content["application/json"]!.schema, JSON.parse(requestBody!));
  return mismatch === undefined ? errors : [...errors, `accepts what is described as wrong: ${mismatch}`];
}

function fromText({ type }: JsonSchema, value: string): unknown {
  if (type === "integer") return Number(value);
  return type === "boolean" ? value === "true" || value === "1" : value;
}

function errorsInBody(answer: ApiResponse | undefined, status: number, text: string): string[] {
  const described = answer?.content?.["application/json"];
  if (described === undefined) return [];
  const body = JSON.parse(text) as unknown;
  const mismatch = findSchemaError("answer", described.schema, body);
  if (mismatch !== undefined) return [mismatch];
  if (status < 400 || described.examples === undefined || "status" in (body as object)) return [];
  const { type, code } = (body as ErrorBody).error;
  const isKnown = Object.values(described.examples).some(({ value }) => {
    const { error } = value as ErrorBody;
    return error.type === type && error.code === code;
  });
  return isKnown ? [] : [`is rejected with the undescribed ${type} ${code}: ${text}`];
}

/** Passes a stream on unchanged, and checks each event in it. */
function watch(body: ReadableStream<Uint8Array>, report: (mismatch: string) => void): ReadableStream<Uint8Array> {
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      const parsed = JSON.parse(data) as { type: string; sequence_number: number };
      if (event !== parsed.type || Number(id) !== parsed.sequence_number)
        report(`has a frame that is not its event's: ${data}`);
      const mismatch = findEventError(parsed);
      if (mismatch !== undefined) report(mismatch);
    },
  });
  const decoder = new TextDecoder();
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        parser.feed(decoder.decode(chunk, { stream: true }));
        controller.enqueue(chunk);
      },
    }),
  );
}

export interface DescriptionCheck {
  /** Exchanges seen, such as `POST /v1/responses 200`, so that a test can find those that are missing. */
  seen: ReadonlySet<string>;
}

/** From here on, every exchange by `fetch` in this file is checked against the description. */
export function expectDescribed(): DescriptionCheck {
  const { fetch } = globalThis;
  const seen = new Set<string>();
  const errors: string[] = [];
  const watched: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    // The files that pages load are not part of the API.
    const isPage = response.headers.get("content-type")?.startsWith("text/html") === true;
    if (/^\/(?:docs|console)\//.test(url.pathname) && !isPage) return response;
    const method = (init?.method ?? "GET").toUpperCase();
    const requestBody = typeof init?.body === "string" ? init.body : undefined;
    const requestHeaders = new Headers(input instanceof Request ? input.headers : init?.headers);
    const { status, headers } = response;
    const report = (mismatch: string): void => void errors.push(`${method} ${url.pathname} ${status} ${mismatch}`);
    const examined = examine({ method, url, requestHeaders, requestBody, status, headers });
    for (const mismatch of examined.errors) report(mismatch);
    if (examined.route !== undefined) seen.add(`${method} ${examined.route.path} ${status}`);
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream) return new Response(watch(response.body!, report), { status, headers });
    const text = await response.text();
    for (const mismatch of errorsInBody(examined.answer, status, text)) report(mismatch);
    return new Response(text === "" ? null : text, { status, headers });
  };
  beforeAll(() => {
    compileAll();
    globalThis.fetch = watched;
  });
  afterAll(() => void (globalThis.fetch = fetch));
  afterEach(() => expect(errors.splice(0)).toEqual([]));
  return { seen };
}
