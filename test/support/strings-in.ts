/** Every string that a schema accepts, with its path and its maximum length. */
import type { z } from "zod";

export interface StringLocation {
  path: string;
  /** Null: no limit. */
  maximum: number | null;
}

export function findStrings(schema: z.core.$ZodType): StringLocation[] {
  const found = new Map<string, StringLocation>();
  walk(schema, "", new Set(), (path, maximum) => found.set(`${path} ${maximum}`, { path, maximum }));
  return [...found.values()];
}

type Note = (path: string, maximum: number | null) => void;

/** `above` are the enclosing schemas: a recursive one is walked once. */
function walk(schema: z.core.$ZodType, path: string, above: ReadonlySet<z.core.$ZodType>, note: Note): void {
  if (above.has(schema)) return;
  const inside = new Set([...above, schema]);
  const into = (next: z.core.$ZodType, at = path): void => walk(next, at, inside, note);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
      return note(path, (schema as z.ZodString).maxLength);
    case "object":
      for (const [key, field] of Object.entries(def.shape)) into(field, path === "" ? key : `${path}.${key}`);
      if (def.catchall !== undefined) into(def.catchall, `${path}.*`);
      return;
    case "record":
      into(def.keyType, `${path}.*`);
      return into(def.valueType, `${path}.*`);
    case "array":
      return into(def.element, `${path}[]`);
    case "tuple":
      for (const item of def.items) into(item, `${path}[]`);
      return;
    case "union":
      for (const option of def.options) into(option);
      return;
    case "intersection":
      into(def.left);
      return into(def.right);
    case "pipe":
      into(def.in);
      return into(def.out);
    case "lazy":
      return into(def.getter());
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "catch":
    case "readonly":
      return into(def.innerType);
    case "boolean":
    case "number":
    case "null":
    case "undefined":
    case "never":
    case "literal":
    case "enum":
    // Free JSON, as deep and as wide as a body may be: MAX_BODY_BYTES bounds it.
    case "unknown":
    case "any":
    case "transform":
      return;
    default:
      throw new Error(`The walk does not know what a ${def.type} holds: ${path}`);
  }
}
