/** Limits, spend limits and spend alerts of projects. */
import {
  ALL_MODELS,
  deletedSpendAlertSchema,
  deletedSpendLimitSchema,
  RATE_LIMIT_ID,
  rateLimitSchema,
  spendAlertSchema,
  spendLimitSchema,
  updateRateLimitSchema,
  updateSpendLimitSchema,
  writeSpendAlertSchema,
} from "../../../protocol/organization/limits.ts";
import { organizationListQuerySchema } from "../../../protocol/organization/projects.ts";
import { tooManyThings } from "../../documented-organization-errors.ts";
import { pathParameter } from "../../endpoint.ts";
import { rateLimitListSchema, spendAlertListSchema } from "../../wire.ts";
import { describeEndpoint, INVALID_PAGES, pageOf, projectId, queryErrorsOf, queryParametersOf } from "./endpoint.ts";

const ALERT_ID = "alert_0a1b2c3d4e5f60718293a4b5";
const alertId = pathParameter("alert_id", "Spend alert id.");
const month = { currency: "USD", interval: "month" };
const pageErrors = [
  ...queryErrorsOf(organizationListQuerySchema, INVALID_PAGES),
  "listCursorNotFound",
  "projectNotFound",
] as const;

const rateLimit = {
  id: RATE_LIMIT_ID,
  object: "project.rate_limit",
  model: ALL_MODELS,
  max_requests_per_1_minute: 60,
  max_tokens_per_1_minute: 0,
  max_open_responses: 100,
  max_stored_bytes: 2_147_483_648,
};

export const listRateLimits = describeEndpoint({
  id: "listRateLimits",
  summary: "List a project's limits",
  description: "One entry, for all models together. 0 means unlimited.",
  parameters: [projectId, ...queryParametersOf(organizationListQuerySchema)],
  answer: { description: "The limits that apply.", schema: rateLimitListSchema, example: pageOf(rateLimit) },
  errors: pageErrors,
});

export const updateRateLimit = describeEndpoint({
  id: "updateRateLimit",
  summary: "Change a project's limits",
  description: "They apply at once on every process. Null restores the limit of the settings.",
  parameters: [projectId, pathParameter("rate_limit_id", `Always \`${RATE_LIMIT_ID}\`.`)],
  body: {
    schema: updateRateLimitSchema,
    example: { max_requests_per_1_minute: 60, max_open_responses: 100 },
    invalid: {
      "A limit is not an integer.": { max_open_responses: "1" },
      "A limit is below 0.": { max_open_responses: -1 },
      "The limit is unknown.": { max_images_per_1_minute: 1 },
    },
  },
  answer: { description: "The limits that apply.", schema: rateLimitSchema, example: rateLimit },
  errors: ["projectNotFound", "projectArchived", "rateLimitNotFound"],
});

const spendLimit = {
  object: "project.spend_limit",
  ...month,
  threshold_amount: 10_000,
  spent_amount: 1_234.5,
  enforcement: { status: "inactive" },
};
const spendLimitAnswer = {
  description: "The spend limit, in cents, and what the project has spent this month.",
  schema: spendLimitSchema,
  example: spendLimit,
};
const invalidAmounts = {
  "A field is missing.": { currency: "USD" },
  "`currency` is not `USD`.": { ...month, currency: "EUR", threshold_amount: 1 },
  "`threshold_amount` is not an integer.": { ...month, threshold_amount: 1.5 },
  "`threshold_amount` is below 1.": { ...month, threshold_amount: 0 },
  "`threshold_amount` is too large.": { ...month, threshold_amount: 1e12 },
  "A parameter is unknown.": { ...month, threshold_amount: 1, title: "x" },
};

export const retrieveSpendLimit = describeEndpoint({
  id: "retrieveSpendLimit",
  summary: "Get a project's spend limit",
  parameters: [projectId],
  answer: spendLimitAnswer,
  errors: ["projectNotFound", "spendLimitNotFound"],
});

export const updateSpendLimit = describeEndpoint({
  id: "updateSpendLimit",
  summary: "Set a project's spend limit",
  description: "For a calendar month in UTC. Over it, new responses get 429 with the code `insufficient_quota`.",
  parameters: [projectId],
  body: { schema: updateSpendLimitSchema, example: { ...month, threshold_amount: 10_000 }, invalid: invalidAmounts },
  answer: spendLimitAnswer,
  errors: ["projectNotFound", "projectArchived"],
});

export const deleteSpendLimit = describeEndpoint({
  id: "deleteSpendLimit",
  summary: "Remove a project's spend limit",
  parameters: [projectId],
  answer: {
    description: "The spend limit is removed.",
    schema: deletedSpendLimitSchema,
    example: { object: "project.spend_limit.deleted", deleted: true },
  },
  errors: ["projectNotFound", "spendLimitNotFound"],
});

const channel = { type: "email", recipients: ["ops@example.com"] };
const alert = {
  id: ALERT_ID,
  object: "project.spend_alert",
  ...month,
  threshold_amount: 8_000,
  notification_channel: channel,
};
const alertBody = {
  schema: writeSpendAlertSchema,
  example: { ...month, threshold_amount: 8_000, notification_channel: channel },
  invalid: {
    ...invalidAmounts,
    "There are too many recipients.": {
      ...month,
      threshold_amount: 1,
      notification_channel: { ...channel, recipients: Array.from({ length: 51 }, () => "a") },
    },
    "A recipient is empty.": {
      ...month,
      threshold_amount: 1,
      notification_channel: { ...channel, recipients: [""] },
    },
    "A recipient is too long.": {
      ...month,
      threshold_amount: 1,
      notification_channel: { ...channel, recipients: ["x".repeat(257)] },
    },
  },
};
const alertAnswer = { description: "The spend alert.", schema: spendAlertSchema, example: alert };

export const createSpendAlert = describeEndpoint({
  id: "createSpendAlert",
  summary: "Create a spend alert",
  description:
    "The response that reaches the threshold writes one log line and one audit entry, once a month. The server sends no mail.",
  parameters: [projectId],
  body: alertBody,
  answer: alertAnswer,
  errors: ["projectNotFound", "projectArchived", tooManyThings("spend alerts in this project", 20)],
});

export const listSpendAlerts = describeEndpoint({
  id: "listSpendAlerts",
  summary: "List a project's spend alerts",
  parameters: [projectId, ...queryParametersOf(organizationListQuerySchema)],
  answer: { description: "A page of spend alerts.", schema: spendAlertListSchema, example: pageOf(alert) },
  errors: pageErrors,
});

export const retrieveSpendAlert = describeEndpoint({
  id: "retrieveSpendAlert",
  summary: "Get a spend alert",
  parameters: [projectId, alertId],
  answer: alertAnswer,
  errors: ["projectNotFound", "spendAlertNotFound"],
});

export const updateSpendAlert = describeEndpoint({
  id: "updateSpendAlert",
  summary: "Change a spend alert",
  parameters: [projectId, alertId],
  body: alertBody,
  answer: alertAnswer,
  errors: ["projectNotFound", "projectArchived", "spendAlertNotFound"],
});

export const deleteSpendAlert = describeEndpoint({
  id: "deleteSpendAlert",
  summary: "Delete a spend alert",
  parameters: [projectId, alertId],
  answer: {
    description: "The spend alert is deleted.",
    schema: deletedSpendAlertSchema,
    example: { id: ALERT_ID, object: "project.spend_alert.deleted", deleted: true },
  },
  errors: ["projectNotFound", "spendAlertNotFound"],
});
