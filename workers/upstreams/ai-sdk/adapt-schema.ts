/** Removes the JSON Schema keywords that a vendor rejects. The result may allow more values than the original, not fewer. */
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { isObject, type Json } from "../http/json.ts";

type SchemaRules = Pick<VendorTraits, "schema_keywords_left_out" | "schema_type_lists">;

/** Keywords whose members are schemas, under names of the client that may equal a keyword. */
const SCHEMA_MAP_KEYWORDS: ReadonlySet<string> = new Set(["properties", "patternProperties", "$defs", "definitions"]);
/** Keywords whose value is data instead of a schema. */
const DATA_KEYWORDS: ReadonlySet<string> = new Set(["const", "default", "enum", "example", "examples", "required"]);

export function adaptSchema(schema: unknown, rules: SchemaRules): unknown {
  if (Array.isArray(schema)) return schema.map((each) => adaptSchema(each, rules));
  if (!isObject(schema)) return schema;
  const adapted: Json = {};
  for (const [name, value] of Object.entries(schema)) {
    if (rules.schema_keywords_left_out.includes(name)) continue;
    if (DATA_KEYWORDS.has(name)) adapted[name] = value;
    else if (SCHEMA_MAP_KEYWORDS.has(name) && isObject(value)) adapted[name] = adaptMembers(value, rules);
    else adapted[name] = adaptSchema(value, rules);
  }
  const { const: constant, type } = schema;
  // An enum of one value means the same, and every vendor supports it.
  if (!("const" in adapted) && typeof constant === "string") adapted["enum"] ??= [constant];
  return rules.schema_type_lists === "nullable" && Array.isArray(type) ? toNullableType(adapted, type) : adapted;
}

/** With several non-null types the result has none: one `type` cannot express them. */
function toNullableType(schema: Json, types: readonly unknown[]): Json {
  const others = types.filter((type) => type !== "null");
  const adapted: Json = { ...schema, ...(others.length < types.length && { nullable: true }) };
  if (others.length === 1) adapted["type"] = others[0];
  else delete adapted["type"];
  return adapted;
}

function adaptMembers(schemas: Json, rules: SchemaRules): Json {
  return Object.fromEntries(Object.entries(schemas).map(([name, value]) => [name, adaptSchema(value, rules)]));
}
