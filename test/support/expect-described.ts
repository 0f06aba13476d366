/**
 * The server's own description as an oracle: every request that is sent with `fetch`, and every answer to it, has to be
 * what `/openapi.json` says. `expectDescribed()` in a test file is enough.
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

/** Answered with these besides what is described: how a stream is carried, and what CORS and HTTP bring along. */
const TRANSPORT_HEADERS = new Set(["x-accel-buffering", "x-content-type-options"]);
const OWN_HEADER = /^(?:x-|openai-|idempotent-|retry-after$|www-authenticate$)/;

/** Of those that requests carry, the ones that this server reads for more than a key or a page's origin. */
const REQUEST_HEADERS = ["x-request-id", "x-client-request-id", "idempotency-key", "last-event-id"];

/** All that is wrong with what stands before an answer's body, and the schema that the body has to have. */
function examine(exchange: Exchange): { faults: string[]; route: Route | undefined; answer: ApiResponse | undefined } {
  const route = findRoute(exchange.method, exchange.url);
  if (route === undefined) {
    const isRefused = exchange.status >= 400;
    const answer = document.components.responses["UnknownUrl"]!;
    return {
      faults: isRefused ? [] : ["is not described"],
      route,
      answer: exchange.status === 404 ? answer : undefined,
    };
  }
  const described = route.operation.responses[String(exchange.status)];
  if (described === undefined) return { faults: ["is answered with an undescribed status"], route, answer: undefined };
  const answer = resolveResponse(described);
  const faults = [
    ...faultsInHeaders(exchange.headers, answer),
    ...(exchange.status < 400 ? faultsInRequest(exchange, route) : []),
  ];
  return { faults, route, answer };
}

function faultsInHeaders(headers: Headers, answer: ApiResponse): string[] {
  return [...headers].flatMap(([name, value]) => {
    if (!OWN_HEADER.test(name) || TRANSPORT_HEADERS.has(name)) return [];
    if (answer.headers?.[name] === undefined) return [`has the undescribed header ${name}`];
    const { schema } = document.components.headers[name]!;
    return findSchemaError("answer", schema, fromText(schema, value)) ?? [];
  });
}

function faultsInParameters({ url, requestHeaders }: Exchange, { operation }: Route): string[] {
  const { searchParams } = url;
  // An empty value is one that was not stated.
  const stated = [...new Set(searchParams.keys())].filter((key) => searchParams.getAll(key).join("") !== "");
  const inQuery = stated.map((key) => ["query", key, searchParams.getAll(key)] as const);
  const inHeaders = REQUEST_HEADERS.filter((name) => requestHeaders.has(name));
  const given = [...inQuery, ...inHeaders.map((name) => ["header", name, [requestHeaders.get(name)!]] as const)];
  return given.flatMap(([place, key, values]) => {
    // `a[]` is how many clients name a list.
    const name = key.replace(/\[\]$/, "");
    const parameter = parametersOf(operation).find((each) => each.in === place && each.name.toLowerCase() === name);
    if (parameter === undefined) return [`takes the undescribed ${place} parameter ${name}`];
    const { schema } = parameter;
    const value = schema["type"] === "array" ? values : fromText(schema, values[0]);
    return findSchemaError("request", schema, value) ?? [];
  });
}

function faultsInRequest(exchange: Exchange, route: Route): string[] {
  const { requestBody } = exchange;
  const { operation } = route;
  const faults = faultsInParameters(exchange, route);
  const body = operation.requestBody;
  if (body === undefined || (requestBody ?? "") === "") return faults;
  const fault = findSchemaError("request", body.content["application/json"]!.schema, JSON.parse(requestBody!));
  return fault === undefined ? faults : [...faults, `accepts what is described as wrong: ${fault}`];
}

function fromText({ type }: JsonSchema, value: string): unknown {
  if (type === "integer") return Number(value);
  return type === "boolean" ? value === "true" || value === "1" : value;
}

function faultsInBody(answer: ApiResponse | undefined, status: number, text: string): string[] {
  const described = answer?.content?.["application/json"];
  if (described === undefined) return [];
  const body = JSON.parse(text) as unknown;
  const fault = findSchemaError("answer", described.schema, body);
  if (fault !== undefined) return [fault];
  if (status < 400 || described.examples === undefined || "status" in (body as object)) return [];
  const { type, code } = (body as ErrorBody).error;
  const isKnown = Object.values(described.examples).some(({ value }) => {
    const { error } = value as ErrorBody;
    return error.type === type && error.code === code;
  });
  return isKnown ? [] : [`is refused with the undescribed ${type} ${code}: ${text}`];
}

/** Passes a stream on as it is, and looks at each event in it. */
function watch(body: ReadableStream<Uint8Array>, report: (fault: string) => void): ReadableStream<Uint8Array> {
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      const parsed = JSON.parse(data) as { type: string; sequence_number: number };
      if (event !== parsed.type || Number(id) !== parsed.sequence_number)
        report(`has a frame that is not its event's: ${data}`);
      const fault = findEventError(parsed);
      if (fault !== undefined) report(fault);
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
  /** `POST /v1/responses 200`: what was seen, so that a test can tell what was not. */
  seen: ReadonlySet<string>;
}

/** From here on, in this file, every exchange by `fetch` is held against the description. */
export function expectDescribed(): DescriptionCheck {
  const { fetch } = globalThis;
  const seen = new Set<string>();
  const faults: string[] = [];
  const watched: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    // The files that pages load are not part of the API.
    const isPage = response.headers.get("content-type")?.startsWith("text/html") === true;
    if (url.pathname.startsWith("/docs/") && !isPage) return response;
    const method = (init?.method ?? "GET").toUpperCase();
    const requestBody = typeof init?.body === "string" ? init.body : undefined;
    const requestHeaders = new Headers(input instanceof Request ? input.headers : init?.headers);
    const { status, headers } = response;
    const report = (fault: string): void => void faults.push(`${method} ${url.pathname} ${status} ${fault}`);
    const examined = examine({ method, url, requestHeaders, requestBody, status, headers });
    for (const fault of examined.faults) report(fault);
    if (examined.route !== undefined) seen.add(`${method} ${examined.route.path} ${status}`);
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (isStream) return new Response(watch(response.body!, report), { status, headers });
    const text = await response.text();
    for (const fault of faultsInBody(examined.answer, status, text)) report(fault);
    return new Response(text === "" ? null : text, { status, headers });
  };
  beforeAll(() => {
    compileAll();
    globalThis.fetch = watched;
  });
  afterAll(() => void (globalThis.fetch = fetch));
  afterEach(() => expect(faults.splice(0)).toEqual([]));
  return { seen };
}
