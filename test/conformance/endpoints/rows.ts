/** The endpoints beside `POST /responses` and conversations, as the description names them, with the errors of each. */
import { DOCUMENTED_ERRORS, type DocumentedError } from "../../../src/openapi/documented-errors.ts";
import { API } from "../../../src/openapi/document.ts";
import type { Endpoint } from "../../../src/openapi/endpoint.ts";

export interface EndpointRow {
  /** As in `GET /responses/{response_id}/run`. */
  name: string;
  method: string;
  path: string;
  endpoint: Endpoint;
  errors: ErrorRow[];
}

/** A documented error; `name` is unique in its endpoint. */
export interface ErrorRow extends DocumentedError {
  name: string;
}

/** Endpoints that `error` and `param` rows cover. */
const COVERED = /^\/(?:responses\/(?:input_tokens|compact)|responses\/\{response_id\}(?:\/cancel|\/input_items)?)$/;
/** Files take forms and a store of their own: the journeys of files and uploads cause their errors. */
const COVERED_TAGS = new Set(["Models", "Containers", "Files"]);
const isCovered = ({ method, path, endpoint }: Omit<EndpointRow, "errors">): boolean =>
  COVERED.test(path) ||
  COVERED_TAGS.has(endpoint.tag) ||
  (path === "/responses" && method === "POST") ||
  (path.startsWith("/conversations") && !(path === "/conversations" && method === "GET"));

export const ENDPOINT_ROWS: EndpointRow[] = Object.entries(API)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([verb, endpoint]) => {
      const method = verb.toUpperCase();
      return { name: `${method} ${path}`, method, path, endpoint };
    }),
  )
  .filter((row) => !isCovered(row))
  .map((row) => ({ ...row, errors: errorsOf(row.endpoint) }));

/** An error of the list has its name, another one that of its parameter and code, or its code. */
function errorsOf({ errors = [] }: Endpoint): ErrorRow[] {
  const names = new Map<string, number>();
  return errors.map((each) => {
    if (typeof each === "string") return { name: each, ...(DOCUMENTED_ERRORS[each] as DocumentedError) };
    const { param, code, status } = each.error;
    const name = [param, code ?? (status === 404 ? "unknown path" : null)].filter((part) => part !== null).join(" ");
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    return { ...each, name: count === 1 ? name : `${name} (${count})` };
  });
}
