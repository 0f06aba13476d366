/** The server's own description, and whether a value matches one of its schemas. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { describeApi } from "../../src/openapi/document.ts";
import type { ApiResponse, JsonSchema, Operation, Parameter, PathItem } from "../../src/openapi/spec.ts";

export const document = describeApi();

function newAjv(root: object): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, verbose: true });
  ajv.addKeyword("discriminator");
  for (const keyword of ["openapi", "info", "servers", "security", "tags", "paths", "components"])
    ajv.addKeyword(keyword);
  return ajv.addSchema(root, "api");
}

/** Answers have no undescribed field. Requests may: most are ignored. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, key === "allOf" ? value : closed(value)] as const);
  const isOpen = "properties" in schema && !("additionalProperties" in schema);
  return { ...Object.fromEntries(entries), ...(isOpen && { additionalProperties: false }) };
}

/** The member of a discriminated union that the value names. Errors then concern one member, and validation is fast. */
function discriminate(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(discriminate);
  if (typeof schema !== "object" || schema === null) return schema;
  const fields = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, discriminate(value)]));
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
const requests = newAjv({ components: { schemas: discriminate(schemas) } });
const answers = newAjv({ components: { schemas: discriminate(closed(schemas)) } });

/** Ajv caches compiled schemas by object identity, and a reference is a new object each time. */
const compiled = new Map<Ajv2020, Map<string, ValidateFunction>>([
  [requests, new Map()],
  [answers, new Map()],
]);

function validatorOf(ajv: Ajv2020, schema: JsonSchema): ValidateFunction {
  const key = JSON.stringify(schema);
  const known = compiled.get(ajv)!;
  // References resolve against the document.
  if (!known.has(key)) known.set(key, ajv.compile(JSON.parse(key.replaceAll('"$ref":"#', '"$ref":"api#')) as object));
  return known.get(key)!;
}

const { mapping: eventSchemas } = (
  document.components.schemas["ResponseStreamEvent"] as { discriminator: { mapping: Record<string, string> } }
).discriminator;

/**
 * Compiling takes seconds, during which the process would miss a closed connection, so it happens before any is open.
 */
export function compileAll(): void {
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

/** `undefined`, or the error. */
export function findSchemaError(
  direction: "request" | "answer",
  schema: JsonSchema,
  value: unknown,
): string | undefined {
  const ajv = direction === "request" ? requests : answers;
  const validate = validatorOf(ajv, schema);
  if (validate(value)) return undefined;
  return `${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 2_000)}`;
}

export function findEventError(event: { type: string }): string | undefined {
  const $ref = eventSchemas[event.type];
  return $ref === undefined ? `The event ${event.type} is not described.` : findSchemaError("answer", { $ref }, event);
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
  // A model's name may contain slashes.
  pattern: new RegExp(`^${route.path.replace("{model}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

export function findRoute(method: string, url: URL): Route | undefined {
  const path = url.pathname.replace(/^\/v5\//, "/v1/");
  return PATTERNS.find((route) => route.method === method && route.pattern.test(path));
}

export function resolveResponse(response: Operation["responses"][string]): ApiResponse {
  if (!("$ref" in response)) return response;
  return document.components.responses[response.$ref.slice("#/components/responses/".length)]!;
}

export function parametersOf({ parameters = [] }: Operation): Parameter[] {
  return parameters.map((each) =>
    "$ref" in each ? document.components.parameters[each.$ref.slice("#/components/parameters/".length)]! : each,
  );
}
