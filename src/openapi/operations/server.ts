/** What this server says of itself, to anyone. */
import { type Answer, type Endpoint, pathParameter } from "../endpoint.ts";
import { NAMED, REQUEST_HEADER_REFS } from "../headers.ts";
import type { JsonSchema } from "../spec.ts";

const readiness = (status: string): JsonSchema => ({
  type: "object",
  properties: {
    status: { type: "string", const: status },
    checks: { type: "object", additionalProperties: { type: "boolean" } },
    warnings: {
      type: "array",
      items: { type: "string" },
      description: "What an operator should know although it works.",
    },
  },
  required: ["status", "checks"],
});
const checks = { redis: true, queue: true, connections: true, setup: true, writes: true, accepting: true };

/** The health checks are answered before requests are logged. */
const named = { parameters: REQUEST_HEADER_REFS.slice(0, 1), headers: NAMED } as const satisfies Partial<Endpoint>;

export const healthz: Endpoint = {
  id: "healthz",
  tag: "Server",
  isOpen: true,
  summary: "Whether this process answers",
  ...named,
  answers: {
    200: {
      description: "It does.",
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
  isOpen: true,
  summary: "Whether this process can do its work",
  ...named,
  answers: {
    200: {
      description:
        "Redis and the queue answer, Redis takes writes (and as many replicas as are required confirm them), and it is not about to stop.",
      content: {
        "application/json": { schema: readiness("ready"), examples: { Ready: { status: "ready", checks } } },
      },
    },
    503: {
      description: "Something is missing: the check that is false.",
      content: {
        "application/json": {
          schema: readiness("unavailable"),
          examples: {
            "Without Redis": {
              status: "unavailable",
              checks: { ...checks, redis: false, queue: false, writes: false },
            },
            "Memory full, or no replica": { status: "unavailable", checks: { ...checks, writes: false } },
          },
        },
      },
    },
  },
};

const logged = {
  parameters: REQUEST_HEADER_REFS,
  headers: NAMED,
  refusals: ["malformedClientRequestId", "internalError"],
} as const satisfies Partial<Endpoint>;

export const openApiJson: Endpoint = {
  id: "openApiJson",
  tag: "Server",
  isOpen: true,
  summary: "This description",
  ...logged,
  answers: {
    200: { description: "OpenAPI 3.1.", content: { "application/json": { schema: { type: "object" } } } },
  },
};

const page: Answer = { description: "A page.", content: { "text/html": { schema: { type: "string" } } } };

export const docs: Endpoint = {
  id: "docs",
  tag: "Server",
  isOpen: true,
  summary: "The index of the documentation",
  ...logged,
  answers: { 200: page },
};

export const docsPage: Endpoint = {
  id: "docsPage",
  tag: "Server",
  isOpen: true,
  summary: "A page of the documentation",
  ...logged,
  parameters: [
    pathParameter("page", "`api` is this description, to read. The others are the guides that the index lists."),
    ...REQUEST_HEADER_REFS,
  ],
  answers: { 200: page },
  refusals: [...logged.refusals, "invalidUrl"],
};
