/** What the endpoints of administration have in common: answers in JSON, errors of bodies and queries, pages. */
import { z } from "zod";
import { parseBody } from "../../../http/validation/parse-body.ts";
import { invalidUrl } from "../../../lifecycle/errors/http.ts";
import { parseQuery } from "../../../http/validation/queries.ts";
import { type DocumentedError, documentErrorsOf } from "../../documented-errors.ts";
import { type Endpoint, pathParameter, queryParameter } from "../../endpoint.ts";
import type { JsonSchema, Parameter } from "../../spec.ts";

export const PROJECT_ID = "proj_4f0c1d2e3a4b5c6d7e8f9a0b";
export const CREATED_AT = 1_775_000_000;

export const projectId = pathParameter("project_id", "Project id: of a created project, or a name in `API_KEYS`.");

interface OrganizationEndpoint {
  id: string;
  summary: string;
  description?: string;
  parameters?: Parameter[];
  body?: { schema: z.ZodObject; example: object; invalid: Readonly<Record<string, object>> };
  answer: { description: string; schema: z.ZodType; example: object };
  errors?: Endpoint["errors"];
}

export const WITHOUT_ADMINS: DocumentedError = {
  when: "The server has no `ADMIN_KEYS`.",
  error: invalidUrl("GET", "/v1/organization/projects"),
};

export function describeEndpoint({ body, answer, errors = [], ...rest }: OrganizationEndpoint): Endpoint {
  const { description, schema, example } = answer;
  return {
    ...rest,
    tag: "Organization",
    ...(body !== undefined && {
      body: {
        description: "The fields of the official client.",
        isRequired: true,
        schema: body.schema,
        examples: { "A request": body.example },
      },
    }),
    answers: {
      200: { description, content: { "application/json": { schema, examples: { "An answer": example } } } },
    },
    errors: [
      ...(body === undefined ? [] : documentErrorsOf((value) => parseBody(body.schema, value), body.invalid)),
      ...errors,
      WITHOUT_ADMINS,
      "notAnAdmin",
      "storeUnavailable",
    ],
  };
}

/** A page with one entry. */
export function pageOf(entry: { id: string }): object {
  return { object: "list", data: [entry], first_id: entry.id, last_id: entry.id, has_more: false };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  limit: "Maximum number of entries per page.",
  order: "`asc` lists the oldest first.",
  after: "List entries after this id. Pass the `last_id` of the previous page.",
  before: "List the entries that precede this id.",
  include_archived: "Whether archived projects are listed.",
  owner_project_access: "List keys of active or of archived projects only.",
  start_time: "Begin of the range, in Unix seconds, inclusive.",
  end_time: "End of the range, in Unix seconds, exclusive. By default, now.",
  bucket_width: "Width of a bucket.",
  group_by: "Fields by which sums are separate.",
  project_ids: "List only these projects.",
  models: "List only these models.",
  line_items: "List only these models.",
  page: "The `next_page` of the previous page.",
  event_types: "List only these types.",
  actor_ids: "List only changes by these key ids, projects or admins.",
  resource_ids: "List only changes of these ids.",
  effective_at: "Range of time, as `effective_at[gte]`, in Unix seconds.",
};

/** The parameters of a query that the server reads. */
export function queryParametersOf(schema: z.ZodObject): Parameter[] {
  const { properties, required = [] } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries((properties ?? {}) as Record<string, JsonSchema>)
    .filter(([, property]) => JSON.stringify(property) !== '{"not":{}}')
    .map(([name, property]) => ({
      ...queryParameter(name, DESCRIPTIONS[name] ?? "", property),
      ...(required.includes(name) && { required: true }),
      ...(property["type"] === "object" && { style: "deepObject", explode: true }),
    }));
}

export function queryErrorsOf(
  schema: z.ZodObject,
  invalid: Readonly<Record<string, Record<string, string | string[]>>>,
): DocumentedError[] {
  return documentErrorsOf((query) => parseQuery(schema, query as Record<string, string>), invalid);
}

/** Errors of every paged list. */
export const INVALID_PAGES = {
  "`limit` is not an integer.": { limit: "x" },
  "`limit` is below 1.": { limit: "0" },
  "`limit` is above its maximum.": { limit: "1000" },
  "`order` is neither `asc` nor `desc`.": { order: "up" },
};
