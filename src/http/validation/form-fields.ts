/** The fields of a multipart form as a body: `expires_after[seconds]` is a field of an object, and numbers are text. */
import { unknownParameter } from "../../lifecycle/errors/api-error.ts";

const NUMBERS = new Set(["seconds"]);

export function toBody(fields: Readonly<Record<string, string>>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const [, parent, child] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? [];
    if (parent === undefined || child === undefined) body[name] = value;
    else body[parent] = { ...asObject(body[parent]), [child]: NUMBERS.has(child) ? toNumber(value) : value };
  }
  return body;
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

/** Decimal numbers only. Any other text stays one, and is rejected as such. */
function toNumber(value: string): string | number {
  return /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** For a form that has no field beside its file. */
export function rejectUnknownFields(fields: Readonly<Record<string, string>>): void {
  const [name] = Object.keys(fields);
  if (name !== undefined) throw unknownParameter(name);
}
