/** The API description, compared with the app's routes and the rules of OpenAPI and JSON Schema. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { createParser } from "eventsource-parser";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createApp } from "../../../src/app.ts";
import { readConfig } from "../../../src/config/config.ts";
import { openApiContext } from "../../../src/context.ts";
import { QUEUE_BOARD_PATH } from "../../../src/http/endpoints/queue-board.ts";
import { describeApi } from "../../../src/openapi/document.ts";
import { SCHEMA_DESCRIPTIONS } from "../../../src/openapi/descriptions.ts";
import { responseStreamEventSchema } from "../../../src/protocol/event.ts";
import {
  findSchemaError,
  findEventError,
  parametersOf,
  resolveResponse,
  ROUTES,
} from "../../support/api-description.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";
import { silentLogger } from "../../support/storage.ts";

const document = describeApi();
const text = JSON.stringify(document);

/** The parts of Express's routers that list their routes. */
interface Layer {
  rawPath?: string | string[];
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

function routesIn(stack: readonly Layer[], mounts: readonly string[] = [""]): string[] {
  return stack.flatMap(({ rawPath = "/", route, handle }) => {
    if (route !== undefined) {
      const path = route.path.replaceAll(/[:*](\w+)/g, "{$1}");
      return Object.keys(route.methods).flatMap((method) =>
        mounts.map((mount) => `${method.toUpperCase()} ${mount}${path}`),
      );
    }
    const under = mounts.flatMap((mount) => [rawPath].flat().map((path) => mount + (path === "/" ? "" : path)));
    return handle.stack === undefined ? [] : routesIn(handle.stack, under);
  });
}

test("every route of the app is described, and nothing else", async () => {
  await using context = await openApiContext(
    // With every optional part of the API.
    readConfig({ REDIS_URL: testRedisUrl(), KEY_PREFIX: uniquePrefix(), ADMIN_KEYS: "ops:key-of-ops" }),
    silentLogger,
  );
  const { stack } = createApp(context).router as unknown as { stack: Layer[] };
  const served = routesIn(stack);
  const described = ROUTES.map(({ method, path }) => `${method} ${path}`);
  expect(served.filter((route) => !route.includes(" /v5/")).toSorted()).toEqual(described.toSorted());
  const again = served.filter((route) => route.includes(" /v5/")).map((route) => route.replace(" /v5/", " /v1/"));
  expect(again.toSorted()).toEqual(described.filter((route) => route.includes(" /v1/")).toSorted());
});

test("the description says where the paths are that are no operations", () => {
  for (const path of ["/metrics", QUEUE_BOARD_PATH]) {
    expect(ROUTES.map((route) => route.path)).not.toContain(path);
    expect(document.info.description).toContain(`\`${path}\``);
  }
});

// --- OpenAPI 3.1: the objects used here, with exactly their fields ------------------------------------------

const schemaObject = z.record(z.string(), z.unknown());
const referenceObject = z.strictObject({ $ref: z.string().startsWith("#/components/") });
const mediaTypeObject = z.strictObject({
  schema: schemaObject,
  examples: z
    .record(z.string().regex(/^[\w.-]+$/), z.strictObject({ summary: z.string(), value: z.unknown() }))
    .optional(),
});
const contentObject = z.record(z.string().regex(/^\w+\/[\w+-]+$/), mediaTypeObject);
const responseObject = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), referenceObject).optional(),
  content: contentObject.optional(),
});
const parameterObject = z.strictObject({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  description: z.string().min(1),
  required: z.boolean().optional(),
  schema: schemaObject,
  style: z.literal("deepObject").optional(),
  explode: z.boolean().optional(),
});
const operationObject = z.strictObject({
  operationId: z.string().min(1),
  tags: z.array(z.string()).min(1),
  summary: z.string().min(1),
  description: z.string().min(1).optional(),
  parameters: z.array(z.union([parameterObject, referenceObject])).optional(),
  requestBody: z.strictObject({ description: z.string(), required: z.boolean(), content: contentObject }).optional(),
  responses: z.record(z.string().regex(/^(?:[1-5]\d\d|4XX)$/), z.union([responseObject, referenceObject])),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
});
const serverObjects = z.array(z.strictObject({ url: z.string(), description: z.string() }));
const documentObject = z.strictObject({
  openapi: z.literal("3.1.0"),
  info: z.strictObject({
    title: z.string(),
    version: z.string(),
    summary: z.string(),
    description: z.string(),
    license: z.strictObject({ name: z.string(), identifier: z.string() }),
  }),
  servers: serverObjects,
  security: z.array(z.record(z.string(), z.array(z.string()))),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  paths: z.record(
    z.string().startsWith("/"),
    z.strictObject({
      servers: serverObjects.optional(),
      get: operationObject.optional(),
      post: operationObject.optional(),
      delete: operationObject.optional(),
    }),
  ),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[\w.-]+$/), schemaObject),
    headers: z.record(z.string(), z.strictObject({ description: z.string(), schema: schemaObject })),
    parameters: z.record(z.string().regex(/^[\w.-]+$/), parameterObject),
    responses: z.record(z.string().regex(/^[\w.-]+$/), responseObject),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.literal("http"), scheme: z.literal("bearer") })),
  }),
});

describe("the document", () => {
  test("consists of OpenAPI's objects", () => {
    documentObject.parse(document);
    const ids = ROUTES.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = new Set(document.tags.map(({ name }) => name));
    expect(ROUTES.filter(({ operation }) => !operation.tags.every((tag) => tags.has(tag)))).toEqual([]);
  });

  test("has a parameter for each part of its paths", () => {
    for (const { path, operation } of ROUTES) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = parametersOf(operation).flatMap((each) => (each.in === "path" ? each.name : []));
      expect([path, ...described]).toEqual([path, ...inPath]);
    }
  });

  test("resolves every reference and uses every component", () => {
    const references = [...text.matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)].map(
      ([, kind, name]) => `${kind}/${name}`,
    );
    const { schemas, headers, parameters, responses } = document.components;
    const present = Object.entries({ schemas, headers, parameters, responses }).flatMap(([kind, components]) =>
      Object.keys(components).map((name) => `${kind}/${name}`),
    );
    const reached = new Set(references);
    expect([...reached].filter((reference) => !present.includes(reference))).toEqual([]);
    expect(present.filter((name) => !reached.has(name))).toEqual([]);
    expect(Object.keys(SCHEMA_DESCRIPTIONS).filter((name) => schemas[name] === undefined)).toEqual([]);
  });

  test("has a JSON Schema of 2020-12 for every component", () => {
    const ajv = new Ajv2020({ strict: false });
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      expect([name, ajv.validateSchema(schema), ajv.errors]).toEqual([name, true, null]);
    }
  });

  test("has every event with its name in the union", () => {
    const types = responseStreamEventSchema.options.flatMap((union) =>
      union.options.map((event) => event.shape.type.value as string),
    );
    const { discriminator } = document.components.schemas["ResponseStreamEvent"] as {
      discriminator: { mapping: Record<string, string> };
    };
    expect(Object.keys(discriminator.mapping).toSorted()).toEqual(types.toSorted());
    expect(types).toHaveLength(59);
  });

  test("contains nothing of the environment", () => {
    expect(text).not.toContain("undefined");
    for (const value of [testRedisUrl(), process.cwd()]) expect(text).not.toContain(value);
  });

  test("stays small enough to read", () => {
    expect(text.length).toBeLessThan(700_000);
  });
});

describe("every example matches its schema", () => {
  const examples = ROUTES.flatMap(({ method, path, operation }) => {
    const bodies = Object.entries(operation.requestBody?.content ?? {}).map((each) => ["request", ...each] as const);
    const answers = Object.values(operation.responses).flatMap((response) =>
      Object.entries(resolveResponse(response).content ?? {}).map((each) => ["answer", ...each] as const),
    );
    return [...bodies, ...answers].flatMap(([direction, type, { schema, examples: shown = {} }]) =>
      Object.values(shown).map(({ summary, value }) => ({
        at: `${method} ${path}: ${summary}`,
        direction,
        type,
        schema,
        value,
      })),
    );
  });

  test.each(examples)("$at", ({ direction, type, schema, value }) => {
    const error =
      type === "text/event-stream" ? faultInFrames(String(value)) : findSchemaError(direction, schema, value);
    expect(error).toBeUndefined();
  });
});

function faultInFrames(frames: string): string | undefined {
  const events: { type: string }[] = [];
  createParser({ onEvent: ({ data }) => events.push(JSON.parse(data) as { type: string }) }).feed(frames);
  return events.length === 0 ? "There are no events." : events.map(findEventError).find((error) => error !== undefined);
}
