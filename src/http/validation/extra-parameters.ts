/** Parameters of a provider's own, which its configuration allows. */
import type { CreateRequest } from "../../protocol/create-request.ts";

/** Separates the parameters called `names` from those of the API. */
export function extractExtraParameters(
  fields: Record<string, unknown>,
  names: readonly string[],
): { rest: Record<string, unknown>; parameters: Pick<CreateRequest, "extra_parameters"> } {
  if (!names.some((name) => Object.hasOwn(fields, name))) return { rest: fields, parameters: {} };
  const entries = Object.entries(fields);
  const isExtra = ([name]: [string, unknown]): boolean => names.includes(name);
  return {
    rest: Object.fromEntries(entries.filter((entry) => !isExtra(entry))),
    parameters: { extra_parameters: Object.fromEntries(entries.filter(isExtra)) },
  };
}
