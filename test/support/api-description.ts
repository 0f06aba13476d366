/**
 * The server's own description as an oracle: every request that is sent with `fetch`, and every answer to it, has to be
 * what `/openapi.json` says. `expectDescribed()` in a test file is enough.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { createParser } from "eventsource-parser";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { describeApi } from "../../src/openapi/document.ts";
import type { ApiResponse, JsonSchema, Operation, Parameter, PathItem } from "../../src/openapi/spec.ts";

type ErrorBody = { error: { type: string; code: string | null } };

export interface Exchange {
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

const document = describeApi();

function newAjv(root: object): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, verbose: true });
  ajv.addKeyword("discriminator");
  for (const keyword of ["openapi", "info", "servers", "security", "tags", "paths", "components"])
    ajv.addKeyword(keyword);
  return ajv.addSchema(root, "api");
}

/** What is answered has no field that is not described. Requests may: most are ignored. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, key === "allOf" ? value : closed(value)] as const);
  const isOpen = "properties" in schema && !("additionalProperties" in schema);
  return { ...Object.fromEntries(entries), ...(isOpen && { additionalProperties: false }) };
}

/** Of a union whose members a field tells apart, the one that is meant: what is wrong is one thing then, and soon found. */
function told(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(told);
  if (typeof schema !== "object" || schema === null) return schema;
  const fields = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, told(value)]));
  const { discriminator, oneOf: _members, ...others } = fields;
  if (discriminator === undefined) return fields;
  const { propertyName, mapping } = discriminator as { propertyName: string; mapping: Record<string, string> };
  const members = Object.entries(mapping).map(([value, $ref]) => ({
    if: { properties: { [propertyName]: { const: value } } },
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
    then: { $ref },
  }));
  const properties = { [propertyName]: { enum: Object.keys(mapping) } };
  return { ...others, type: "object", required: [propertyName], properties, allOf: members };
}

const { schemas } = document.components;
const requests = newAjv({ components: { schemas: told(schemas) } });
const answers = newAjv({ components: { schemas: told(closed(schemas)) } });

/** Ajv keeps what it has compiled by the schema's identity; a reference is a new object each time. */
const compiled = new Map<Ajv2020, Map<string, ValidateFunction>>([
  [requests, new Map()],
  [answers, new Map()],
]);

function validatorOf(ajv: Ajv2020, schema: JsonSchema): ValidateFunction {
  const key = JSON.stringify(schema);
  const known = compiled.get(ajv)!;
  // Its references are the document's.
  if (!known.has(key)) known.set(key, ajv.compile(JSON.parse(key.replaceAll('"$ref":"#', '"$ref":"api#')) as object));
  return known.get(key)!;
}

const { mapping: eventSchemas } = (
  document.components.schemas["ResponseStreamEvent"] as { discriminator: { mapping: Record<string, string> } }
).discriminator;

/** Compiling takes seconds, in which nobody would see that a connection was closed: it is done before any is open. */
function compileAll(): void {
  for (const { operation } of ROUTES) {
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) validatorOf(requests, schema);
    for (const { schema } of parametersOf(operation)) validatorOf(requests, schema);
    for (const response of Object.values(operation.responses)) {
      for (const { schema } of Object.values(resolveResponse(response).content ?? {})) validatorOf(answers, schema);
    }
  }
  for (const { schema } of Object.values(document.components.headers)) validatorOf(answers, schema);
  for (const $ref of Object.values(eventSchemas)) validatorOf(answers, { $ref });
}

/** `undefined`, or what is wrong. */
export function faultIn(direction: "request" | "answer", schema: JsonSchema, value: unknown): string | undefined {
  const ajv = direction === "request" ? requests : answers;
  const validate = validatorOf(ajv, schema);
  if (validate(value)) return undefined;
  return `${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 2_000)}`;
}

export function faultInEvent(event: { type: string }): string | undefined {
  const $ref = eventSchemas[event.type];
  return $ref === undefined ? `The event ${event.type} is not described.` : faultIn("answer", { $ref }, event);
}

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

export const ROUTES: Route[] = Object.entries(document.paths).flatMap(([path, { servers, ...methods }]) =>
  Object.entries(methods as Omit<PathItem, "servers">).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path: servers === undefined ? `/v1${path}` : path,
    operation,
  })),
);

const PATTERNS = ROUTES.map((route) => ({
  ...route,
  // A model's name may hold slashes.
  pattern: new RegExp(`^${route.path.replace("{model}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

function routeOf(method: string, url: URL): Route | undefined {
  const path = url.pathname.replace(/^\/v5\//, "/v1/");
  return PATTERNS.find((route) => route.method === method && route.pattern.test(path));
}

export function resolveResponse(response: Operation["responses"][string]): ApiResponse {
  if (!("$ref" in response)) return response;
  return document.components.responses[response.$ref.slice("#/components/responses/".length)]!;
}

/** All that is wrong with what stands before an answer's body, and the schema that the body has to have. */
function examine(exchange: Exchange): { faults: string[]; route: Route | undefined; answer: ApiResponse | undefined } {
  const route = routeOf(exchange.method, exchange.url);
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
    return faultIn("answer", schema, fromText(schema, value)) ?? [];
  });
}

export function parametersOf({ parameters = [] }: Operation): Parameter[] {
  return parameters.map((each) =>
    "$ref" in each ? document.components.parameters[each.$ref.slice("#/components/parameters/".length)]! : each,
  );
}

function faultsInParameters({ url, requestHeaders }: Exchange, { operation }: Route): string[] {
  const { searchParams } = url;
  const inQuery = [...new Set(searchParams.keys())].map((key) => ["query", key, searchParams.getAll(key)] as const);
  const inHeaders = REQUEST_HEADERS.filter((name) => requestHeaders.has(name));
  const given = [...inQuery, ...inHeaders.map((name) => ["header", name, [requestHeaders.get(name)!]] as const)];
  return given.flatMap(([place, key, values]) => {
    // `a[]` is how many clients name a list.
    const name = key.replace(/\[\]$/, "");
    const parameter = parametersOf(operation).find((each) => each.in === place && each.name.toLowerCase() === name);
    if (parameter === undefined) return [`takes the undescribed ${place} parameter ${name}`];
    const { schema } = parameter;
    const value = schema["type"] === "array" ? values : fromText(schema, values[0]);
    return faultIn("request", schema, value) ?? [];
  });
}

function faultsInRequest(exchange: Exchange, route: Route): string[] {
  const { requestBody } = exchange;
  const { operation } = route;
  const faults = faultsInParameters(exchange, route);
  const body = operation.requestBody;
  if (body === undefined || (requestBody ?? "") === "") return faults;
  const fault = faultIn("request", body.content["application/json"]!.schema, JSON.parse(requestBody!));
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
  const fault = faultIn("answer", described.schema, body);
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
      const fault = faultInEvent(parsed);
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

export interface Described {
  /** `POST /v1/responses 200`: what was seen, so that a test can tell what was not. */
  seen: ReadonlySet<string>;
}

/** From here on, in this file, every exchange by `fetch` is held against the description. */
export function expectDescribed(): Described {
  const { fetch } = globalThis;
  const seen = new Set<string>();
  const faults: string[] = [];
  const watched: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    // The files of the page are no part of the API.
    if (url.pathname.startsWith("/docs/")) return response;
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
    return new Response(text, { status, headers });
  };
  beforeAll(() => {
    compileAll();
    globalThis.fetch = watched;
  });
  afterAll(() => void (globalThis.fetch = fetch));
  afterEach(() => expect(faults.splice(0)).toEqual([]));
  return { seen };
}
