/** The lists of a project's responses and conversations. */
import { z } from "zod";
import { parseDatedListQuery, parseResponseListQuery } from "../../http/validation/queries.ts";
import { notAnAdmin } from "../../lifecycle/errors/access.ts";
import { listCursorNotFound } from "../../lifecycle/errors/state.ts";
import { datedListQuerySchema, responseListQuerySchema, responseListSchema } from "../../protocol/response-list.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { type Endpoint, queryParameter } from "../endpoint.ts";
import { CONVERSATION_ID, RESPONSE_ID } from "../example-ids.ts";
import { completedResponse } from "../examples.ts";
import type { JsonSchema, Parameter } from "../spec.ts";
import { conversationListSchema } from "../wire.ts";
import { conversation } from "./conversations.ts";

type Query = Parameters<typeof parseResponseListQuery>[0];

const propertiesOf = (schema: z.ZodType) => z.toJSONSchema(schema).properties as Record<string, JsonSchema>;
const dated = propertiesOf(datedListQuerySchema);
const filters = propertiesOf(responseListQuerySchema);

function datedParameters(noun: string): Parameter[] {
  return [
    queryParameter("limit", `Maximum number of ${noun} per page.`, dated["limit"]!),
    queryParameter("order", "`desc` lists the newest first.", dated["order"]!),
    queryParameter("after", `List ${noun} after this id. Pass the \`last_id\` of the previous page.`, dated["after"]!),
    queryParameter("before", `List the ${noun} in front of this id: the previous page.`, dated["before"]!),
    queryParameter("created_after", "Created at this time or later, in Unix seconds.", dated["created_after"]!),
    queryParameter("created_before", "Created before this time, in Unix seconds.", dated["created_before"]!),
    {
      ...queryParameter("metadata", "Has these pairs in its metadata: `metadata[key]=value`.", dated["metadata"]!),
      style: "deepObject",
      explode: true,
    },
  ];
}

const INVALID_DATED_QUERIES = {
  "`limit` is below 1.": { limit: "0" },
  "`limit` is above 100.": { limit: "101" },
  "`order` is neither `asc` nor `desc`.": { order: "up" },
  "A time is not an integer.": { created_after: "yesterday" },
  "A time is negative.": { created_before: "-1" },
  "`metadata` is not an object.": { metadata: "red" },
  "`metadata` has more than 16 pairs.": { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ""])) },
  "A key of `metadata` is longer than 64 characters.": { metadata: { ["k".repeat(65)]: "value" } },
  "A value of `metadata` is longer than 512 characters.": { metadata: { color: "x".repeat(513) } },
};

const CURSOR_ERRORS = [
  "listCursorNotFound",
  {
    when: "`before` names nothing in this list, or something that was removed more than an hour ago.",
    error: listCursorNotFound(RESPONSE_ID, "before"),
  },
] as const satisfies Endpoint["errors"];

const { output: _output, ...listedResponse } = completedResponse;

export const listResponses: Endpoint = {
  id: "listResponses",
  tag: "Responses",
  summary: "List the project's responses",
  description: [
    "Lists the responses that clients of the project can read, newest first: those that run and those that are kept. Each is shown as `GET /responses/{response_id}` shows it, without `output` unless `include` names it. Several filters narrow the list together. An extension of this server.",
    "",
    "A page that would be very large ends early and has `has_more`. A page can continue after a response that was deleted within the last hour.",
  ].join("\n"),
  parameters: [
    ...datedParameters("responses"),
    queryParameter("status", "Has one of these statuses. Repeat the parameter for several values.", filters["status"]!),
    queryParameter("model", "Was created with this model, exactly as the request named it.", filters["model"]!),
    queryParameter("background", "Was created with `background`, or without.", filters["background"]!),
    queryParameter(
      "step",
      "`waiting_for_approval`: has ended with an `mcp_approval_request` that no later request has answered.",
      filters["step"]!,
    ),
    queryParameter("include", "`output` adds the output, `run` the run. Repeat for both.", filters["include"]!),
    queryParameter("project", "For keys of `ADMIN_KEYS`: the project to list, or `*` for all.", filters["project"]!),
  ],
  answers: {
    200: {
      description: "A page of responses.",
      content: {
        "application/json": {
          schema: responseListSchema,
          examples: {
            "One response": {
              object: "list",
              data: [listedResponse],
              first_id: RESPONSE_ID,
              last_id: RESPONSE_ID,
              has_more: false,
            },
          },
        },
      },
    },
  },
  errors: [
    ...documentErrorsOf((query) => parseResponseListQuery(query as Query), {
      ...INVALID_DATED_QUERIES,
      "`status` has an unknown value.": { status: "done" },
      "`background` is not a boolean.": { background: "maybe" },
      "`step` has an unknown value.": { step: "queued" },
      "`include` has an unknown value.": { include: "items" },
    }),
    ...CURSOR_ERRORS,
    { when: "`project` is given, and the key is not one of `ADMIN_KEYS`.", error: notAnAdmin() },
    "adminNeedsProject",
    "storeUnavailable",
  ],
};

export const listConversations: Endpoint = {
  id: "listConversations",
  tag: "Conversations",
  summary: "List the project's conversations",
  description:
    "Lists the project's conversations, newest first. Several filters narrow the list together. An extension of this server.",
  parameters: datedParameters("conversations"),
  answers: {
    200: {
      description: "A page of conversations.",
      content: {
        "application/json": {
          schema: conversationListSchema,
          examples: {
            "One conversation": {
              object: "list",
              data: [conversation],
              first_id: CONVERSATION_ID,
              last_id: CONVERSATION_ID,
              has_more: false,
            },
          },
        },
      },
    },
  },
  errors: [
    ...documentErrorsOf((query) => parseDatedListQuery(query as Query), INVALID_DATED_QUERIES),
    ...CURSOR_ERRORS,
    "storeUnavailable",
  ],
};
