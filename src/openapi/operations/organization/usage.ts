/** Usage, costs and the audit log. */
import { auditQuerySchema } from "../../../protocol/organization/audit-log.ts";
import {
  costPageSchema,
  costQuerySchema,
  usagePageSchema,
  usageQuerySchema,
} from "../../../protocol/organization/usage.ts";
import { auditEventListSchema } from "../../wire.ts";
import {
  CREATED_AT,
  describeEndpoint,
  INVALID_PAGES,
  pageOf,
  PROJECT_ID,
  queryErrorsOf,
  queryParametersOf,
} from "./endpoint.ts";

const start_time = "1775001600";
const invalidRanges = {
  "`start_time` is missing.": {},
  "`start_time` is not an integer.": { start_time: "x" },
  "`start_time` is below 0.": { start_time: "-1" },
  "`end_time` is too large.": { start_time, end_time: "999999999999" },
  "`bucket_width` is not supported.": { start_time, bucket_width: "1m" },
  "`group_by` has an unsupported field.": { start_time, group_by: ["user_id"] },
  "`limit` is below 1.": { start_time, limit: "0" },
  "`limit` is above its maximum.": { start_time, limit: "1000" },
  "There are too many `project_ids`.": { start_time, project_ids: Array.from({ length: 101 }, () => "x") },
  "`page` is too long.": { start_time, page: "x".repeat(1_025) },
  "Usage is not counted by this field.": { start_time, user_ids: ["x"] },
};
const bucket = { object: "bucket", start_time: 1_775_001_600, end_time: 1_775_088_000 };
const page = { object: "page", has_more: false, next_page: null };

export const listUsage = describeEndpoint({
  id: "listUsage",
  summary: "List used tokens and model calls",
  description:
    "In buckets of an hour (at most 168 a page) or a day (at most 31), in UTC. A response is counted once, at its end, whether it completed or not.",
  parameters: queryParametersOf(usageQuerySchema),
  answer: {
    description: "A page of buckets. The last bucket is the current one.",
    schema: usagePageSchema,
    example: {
      ...page,
      data: [
        {
          ...bucket,
          results: [
            {
              object: "organization.usage.completions.result",
              input_tokens: 120_000,
              input_cached_tokens: 40_000,
              output_tokens: 9_000,
              num_model_requests: 31,
              project_id: PROJECT_ID,
              model: "openai/gpt-5",
              user_id: null,
              api_key_id: null,
              batch: null,
              service_tier: null,
            },
          ],
        },
      ],
    },
  },
  errors: [...queryErrorsOf(usageQuerySchema, invalidRanges), "malformedPage"],
});

export const listCosts = describeEndpoint({
  id: "listCosts",
  summary: "List costs",
  description: "From the prices of `PROVIDERS_FILE`, by day. A model without a price has no costs.",
  parameters: queryParametersOf(costQuerySchema),
  answer: {
    description: "A page of buckets. A line item is a model.",
    schema: costPageSchema,
    example: {
      ...page,
      data: [
        {
          ...bucket,
          results: [
            {
              object: "organization.costs.result",
              amount: { value: 1.25, currency: "usd" },
              project_id: PROJECT_ID,
              line_item: "openai/gpt-5",
            },
          ],
        },
      ],
    },
  },
  errors: [...queryErrorsOf(costQuerySchema, invalidRanges), "malformedPage"],
});

const event = {
  id: "audit_log-1775000000000-0",
  type: "response.cancelled",
  effective_at: CREATED_AT,
  actor: {
    type: "api_key",
    name: PROJECT_ID,
    ip_address: "192.0.2.7",
    api_key: { id: "key_0a1b2c3d4e5f60718293a4b5", type: "service_account" },
  },
  project: { id: PROJECT_ID },
  request_id: "req_0a1b2c3d",
  "response.cancelled": { id: "resp_0a1b2c3d" },
};
const { "`order` is neither `asc` nor `desc`.": _order, ...invalidPages } = INVALID_PAGES;

export const listAuditLog = describeEndpoint({
  id: "listAuditLog",
  summary: "List who changed what",
  description:
    "Newest first. Covers cancelled and deleted responses, deleted conversations and containers, and every change of administration.",
  parameters: queryParametersOf(auditQuerySchema),
  answer: { description: "A page of changes.", schema: auditEventListSchema, example: pageOf(event) },
  errors: [
    ...queryErrorsOf(auditQuerySchema, {
      ...invalidPages,
      "`effective_at` is not a range.": { effective_at: "x" },
      "There are too many `event_types`.": { event_types: Array.from({ length: 101 }, () => "x") },
      "Actors have no mail addresses.": { actor_emails: ["x"] },
    }),
    "listCursorNotFound",
  ],
});
