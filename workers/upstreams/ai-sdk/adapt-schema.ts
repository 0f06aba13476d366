/** A JSON schema as a vendor takes it, without the keywords that it refuses: what remains allows more, and no less. */
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { isObject, type Json } from "../provider/json.ts";

type SchemaRules = Pick<VendorTraits, "schema_keywords_left_out" | "schema_type_lists">;

/** Their members are schemas under names of the client's, which may be a keyword's. */
const SCHEMA_MAP_KEYWORDS: ReadonlySet<string> = new Set(["properties", "patternProperties", "$defs", "definitions"]);
/** Their value is data, and no schema. */
const DATA_KEYWORDS: ReadonlySet<string> = new Set(["const", "default", "enum", "example", "examples", "required"]);

export function adaptSchema(schema: unknown, rules: SchemaRules): unknown {
  if (Array.isArray(schema)) return schema.map((each) => adaptSchema(each, rules));
  if (!isObject(schema)) return schema;
  const kept: Json = {};
  for (const [name, value] of Object.entries(schema)) {
    if (rules.schema_keywords_left_out.includes(name)) continue;
    if (DATA_KEYWORDS.has(name)) kept[name] = value;
    else if (SCHEMA_MAP_KEYWORDS.has(name) && isObject(value)) kept[name] = adaptMembers(value, rules);
    else kept[name] = adaptSchema(value, rules);
  }
  const { const: constant, type } = schema;
  // The same said with a keyword that every vendor has.
  if (!("const" in kept) && typeof constant === "string") kept["enum"] ??= [constant];
  return rules.schema_type_lists === "nullable" && Array.isArray(type) ? toNullableType(kept, type) : kept;
}

/** Several types that are not null cannot be said by one: none is said. */
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
