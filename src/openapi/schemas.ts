/**
 * The document's named schemas, generated from the zod schemas that validate requests. A schema is named after the constant
 * that `protocol/` exports, and a member of a union after its discriminator, so that new schemas need no entry here.
 *
 * Schemas describe the input of zod (`io: "input"`). The schemas of answers have no defaults and no transforms, so their
 * input and output are the same.
 */
import { z } from "zod";
import * as compaction from "../protocol/compaction.ts";
import * as container from "../protocol/container.ts";
import * as content from "../protocol/content.ts";
import * as conversation from "../protocol/conversation.ts";
import * as createRequest from "../protocol/create-request.ts";
import * as embeddings from "../protocol/embeddings.ts";
import * as error from "../protocol/error.ts";
import * as file from "../protocol/file.ts";
import * as inputTokens from "../protocol/input-tokens.ts";
import * as item from "../protocol/item.ts";
import * as caller from "../protocol/items/caller.ts";
import * as computer from "../protocol/items/computer.ts";
import * as context from "../protocol/items/context.ts";
import * as functions from "../protocol/items/function.ts";
import * as hosted from "../protocol/items/hosted.ts";
import * as mcp from "../protocol/items/mcp.ts";
import * as message from "../protocol/items/message.ts";
import * as shell from "../protocol/items/shell.ts";
import * as status from "../protocol/items/status.ts";
import * as model from "../protocol/model.ts";
import * as organizationQueue from "../protocol/organization-queue.ts";
import * as auditLog from "../protocol/organization/audit-log.ts";
import * as organizationKeys from "../protocol/organization/keys.ts";
import * as organizationLimits from "../protocol/organization/limits.ts";
import * as organizationProjects from "../protocol/organization/projects.ts";
import * as organizationUsage from "../protocol/organization/usage.ts";
import * as response from "../protocol/response.ts";
import * as responseList from "../protocol/response-list.ts";
import * as run from "../protocol/run.ts";
import * as settings from "../protocol/request-options.ts";
import * as tool from "../protocol/tool.ts";
import * as environment from "../protocol/tools/environment.ts";
import * as functionTools from "../protocol/tools/function.ts";
import * as hostedTools from "../protocol/tools/hosted.ts";
import * as mcpTools from "../protocol/tools/mcp.ts";
import * as search from "../protocol/tools/search.ts";
import * as upload from "../protocol/upload.ts";
import * as webhook from "../protocol/webhook.ts";
import { FIELDS, SCHEMA_DESCRIPTIONS } from "./descriptions.ts";
import { eventSchemaName, pascalCase } from "./schema-names.ts";
import type { JsonSchema, Reference } from "./spec.ts";
import * as wire from "./wire.ts";

const MODULES: Record<string, unknown>[] = [
  compaction,
  container,
  content,
  conversation,
  createRequest,
  embeddings,
  error,
  file,
  inputTokens,
  item,
  caller,
  computer,
  context,
  functions,
  hosted,
  mcp,
  message,
  shell,
  status,
  model,
  organizationQueue,
  auditLog,
  organizationKeys,
  organizationLimits,
  organizationProjects,
  organizationUsage,
  response,
  responseList,
  run,
  settings,
  tool,
  environment,
  functionTools,
  hostedTools,
  mcpTools,
  search,
  upload,
  webhook,
  wire,
];

/** Schemas whose default name another schema has. */
const OTHER_NAMES = new Map<unknown, string>([
  [settings.conversationSchema, "ConversationParameter"],
  [wire.streamEventSchema, "ResponseStreamEvent"],
]);

/** Schemas by id: the inverse of the registry. */
const schemas = new Map<string, z.ZodType>();
const registry = z.registry<{ id: string }>();

function registerSchema(schema: z.ZodType, id: string): void {
  if (registry.has(schema)) return;
  if (schemas.has(id)) throw new Error(`Two schemas have the name ${id}.`);
  schemas.set(id, schema);
  registry.add(schema, { id });
}

for (const module of MODULES) {
  for (const [key, schema] of Object.entries(module)) {
    if (!(schema instanceof z.ZodType) || !key.endsWith("Schema")) continue;
    registerSchema(schema, OTHER_NAMES.get(schema) ?? pascalCase(key.slice(0, -"Schema".length)));
  }
}
for (const event of wire.collectEventSchemas(wire.streamEventSchema.options)) {
  registerSchema(event, eventSchemaName(event.shape.type.value));
}
for (const state of response.responseSchema.options) {
  registerSchema(state, `${pascalCase(state.shape.status.value)}Response`);
}

const REFERENCE = "#/components/schemas/";
const pathOf = (id: string): string => `${REFERENCE}${id}`;

export function schemaRef(schema: z.ZodType): Reference {
  const named = registry.get(schema);
  if (named === undefined) throw new Error("This schema has no name: export it from protocol/.");
  return { $ref: pathOf(named.id) };
}

/** Every schema that `roots` reference, directly or not, in alphabetical order. */
export function describeSchemas(roots: readonly Reference[]): Record<string, JsonSchema> {
  const all = z.toJSONSchema(registry, { io: "input", uri: pathOf, override: simplify }).schemas as Record<
    string,
    JsonSchema
  >;
  // zod cannot describe the step that adds omitted types.
  const inputItems = [wire.typedInputItemSchema, wire.untypedMessageSchema, wire.untypedItemReferenceSchema];
  all["InputItem"] = { anyOf: inputItems.map(schemaRef) };
  // Generators of types expect an object where a discriminator points.
  all["InputMessage"] = { type: "object", ...all["InputMessage"] };
  // Not in the published type: passed through from the provider.
  const webSearchResults = {
    description: "Search results in the provider's own format. Present only if `include` asks for them.",
  };
  Object.assign(all["WebSearchCall"]!["properties"]!, { results: webSearchResults });
  const reached = collectReachable(roots, all);
  for (const [schema, fields] of FIELDS) {
    const members = schema instanceof z.ZodDiscriminatedUnion ? (schema.options as z.ZodType[]) : [schema];
    for (const member of members) describeFields(all[registry.get(member)!.id]!, fields);
  }
  const described = [...reached].sort().map((id) => {
    const { $schema: _dialect, $id: _uri, ...schema } = all[id]!;
    const description = SCHEMA_DESCRIPTIONS[id];
    return [id, description === undefined ? schema : { description, ...schema }] as const;
  });
  return Object.fromEntries(described);
}

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>["override"]>;

/** Removes empty constraints, and adds those of refinements and the discriminators of unions. */
const simplify: Override = ({ zodSchema, jsonSchema }) => {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  for (const check of zodSchema._zod.def.checks ?? []) {
    const { params } = check._zod.def as { params?: { kind?: string; maximum?: number } };
    if (params?.kind === "properties") jsonSchema.maxProperties = params.maximum!;
  }
  if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames;
  // zod writes an empty tuple as an empty `prefixItems`, which JSON Schema forbids.
  if (jsonSchema.type === "array" && jsonSchema.prefixItems?.length === 0) {
    delete jsonSchema.prefixItems;
    delete jsonSchema.items;
    jsonSchema.maxItems = 0;
  }
  if (!(zodSchema instanceof z.ZodDiscriminatedUnion)) return;
  const propertyName = zodSchema._zod.def.discriminator;
  const mapping = zodSchema.options.flatMap((option) => {
    const named = registry.get(option as z.ZodType);
    const values = [...(option._zod.propValues?.[propertyName] ?? [])];
    return values.map((value) => [String(value), named && pathOf(named.id)] as const);
  });
  // A mapping needs a named schema for each member.
  const isNamed = mapping.every(([, path]) => path !== undefined);
  if (isNamed) jsonSchema["discriminator"] = { propertyName, mapping: Object.fromEntries(mapping) };
};

function collectReachable(roots: readonly Reference[], all: Record<string, JsonSchema>): Set<string> {
  const reached = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, id] of JSON.stringify(value).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      if (reached.has(id!)) continue;
      reached.add(id!);
      visit(all[id!]);
    }
  };
  visit(roots);
  return reached;
}

function describeFields(schema: JsonSchema, fields: Readonly<Record<string, string>>): void {
  const properties = schema["properties"] as Record<string, JsonSchema>;
  for (const [field, description] of Object.entries(fields)) {
    properties[field] = { description, ...properties[field] };
  }
}
