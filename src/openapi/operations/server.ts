/** Public endpoints at the root. */
import { type DocumentedAnswer, type Endpoint, pathParameter } from "../endpoint.ts";
import { COMMON_HEADERS, REQUEST_HEADER_REFS } from "../headers.ts";
import type { JsonSchema } from "../spec.ts";

const readiness = (status: string): JsonSchema => ({
  type: "object",
  properties: {
    status: { type: "string", const: status },
    checks: { type: "object", additionalProperties: { type: "boolean" } },
    workers: {
      type: "object",
      properties: { foreground: { type: "integer" }, background: { type: "integer" } },
      description: "Live workers by queue, if the process is ready.",
    },
    warnings: {
      type: "array",
      items: { type: "string" },
      description: "Problems and what to do about them. Those of a process that is ready do not affect its readiness.",
    },
  },
  required: ["status", "checks"],
});
const checks = { redis: true, queue: true, connections: true, setup: true, writes: true, accepting: true };

/** Health checks are not logged, so they ignore `X-Client-Request-Id`. */
const unlogged = {
  parameters: REQUEST_HEADER_REFS.slice(0, 1),
  headers: COMMON_HEADERS,
} as const satisfies Partial<Endpoint>;

export const healthz: Endpoint = {
  id: "healthz",
  tag: "Server",
  isPublic: true,
  summary: "Check that this process answers",
  ...unlogged,
  answers: {
    200: {
      description: "The process answers.",
      content: {
        "application/json": {
          schema: {
            type: "object",
            properties: { status: { type: "string", const: "ok" } },
            required: ["status"],
          },
          examples: { Alive: { status: "ok" } },
        },
      },
    },
  },
};

export const readyz: Endpoint = {
  id: "readyz",
  tag: "Server",
  isPublic: true,
  summary: "Check that this process can serve requests",
  ...unlogged,
  answers: {
    200: {
      description:
        "Redis and the queue answer, Redis accepts writes (confirmed by the required replicas), and the process is not shutting down.",
      content: {
        "application/json": {
          schema: readiness("ready"),
          examples: {
            Ready: { status: "ready", checks, workers: { foreground: 2, background: 2 } },
            "No worker": {
              status: "ready",
              checks,
              workers: { foreground: 0, background: 0 },
              warnings: [
                "No worker serves the queue 'foreground': start a worker.",
                "No worker serves the queue 'background': start a worker.",
              ],
            },
          },
        },
      },
    },
    503: {
      description: "At least one check is false.",
      content: {
        "application/json": {
          schema: readiness("unavailable"),
          examples: {
            "Redis is down": {
              status: "unavailable",
              checks: { ...checks, redis: false, queue: false, writes: false },
            },
            "Redis accepts no writes": { status: "unavailable", checks: { ...checks, writes: false } },
          },
        },
      },
    },
  },
};

const logged = {
  parameters: REQUEST_HEADER_REFS,
  headers: COMMON_HEADERS,
  errors: ["malformedClientRequestId", "internalError"],
} as const satisfies Partial<Endpoint>;

export const openApiJson: Endpoint = {
  id: "openApiJson",
  tag: "Server",
  isPublic: true,
  summary: "Get this description",
  ...logged,
  answers: {
    200: { description: "The OpenAPI 3.1 document.", content: { "application/json": { schema: { type: "object" } } } },
  },
};

const page: DocumentedAnswer = {
  description: "An HTML page.",
  content: { "text/html": { schema: { type: "string" } } },
};

export const docs: Endpoint = {
  id: "docs",
  tag: "Server",
  isPublic: true,
  summary: "Read the list of guides",
  ...logged,
  answers: { 200: page },
};

export const docsPage: Endpoint = {
  id: "docsPage",
  tag: "Server",
  isPublic: true,
  summary: "Read a guide, or this description",
  ...logged,
  parameters: [pathParameter("page", "A page that `/docs` lists. `api` is the API reference."), ...REQUEST_HEADER_REFS],
  answers: { 200: page },
  errors: [...logged.errors, "invalidUrl"],
};

export const consolePage: Endpoint = {
  id: "console",
  tag: "Server",
  isPublic: true,
  summary: "Open the console, a page that shows and steers runs",
  ...logged,
  answers: { 200: page },
};
