/** The parts of OpenAPI 3.1 that the document uses. */

/** A JSON Schema of the 2020-12 dialect. */
export type JsonSchema = Record<string, unknown>;
export type Reference = { $ref: string };

export interface Example {
  summary?: string;
  value: unknown;
}

interface MediaType {
  schema: JsonSchema;
  examples?: Record<string, Example>;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  description: string;
  required?: boolean;
  schema: JsonSchema;
}

interface Header {
  description: string;
  schema: JsonSchema;
}

export interface ApiResponse {
  description: string;
  headers?: Record<string, Reference>;
  content?: Record<string, MediaType>;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: (Parameter | Reference)[];
  requestBody?: { description: string; required: boolean; content: Record<string, MediaType> };
  responses: Record<string, ApiResponse | Reference>;
  /** Empty: no key needed. Absent: the document's default. */
  security?: Record<string, string[]>[];
}

interface Server {
  url: string;
  description: string;
}

export type Method = "get" | "post" | "delete";
export type PathItem = { servers?: Server[] } & Partial<Record<Method, Operation>>;

export interface OpenApiDocument {
  openapi: "3.1.0";
  info: {
    title: string;
    version: string;
    summary: string;
    description: string;
    license: { name: string; identifier: string };
  };
  servers: Server[];
  security: Record<string, string[]>[];
  tags: { name: string; description: string }[];
  paths: Record<string, PathItem>;
  components: {
    schemas: Record<string, JsonSchema>;
    headers: Record<string, Header>;
    parameters: Record<string, Parameter>;
    responses: Record<string, ApiResponse>;
    securitySchemes: Record<string, JsonSchema>;
  };
}
