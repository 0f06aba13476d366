/** Operations on webhook endpoints. */
import { z } from "zod";
import { parseBody } from "../../http/validation/parse-body.ts";
import { parseWebhookEndpointListQuery } from "../../http/validation/queries.ts";
import {
  createWebhookEndpointSchema,
  deletedWebhookEndpointSchema,
  rotateWebhookSecretSchema,
  updateWebhookEndpointSchema,
  WEBHOOK_EVENT_TYPES,
  webhookEndpointListQuerySchema,
  webhookEndpointListSchema,
  webhookEndpointSchema,
  webhookEndpointWithSecretSchema,
  webhookEventTypeListSchema,
} from "../../protocol/webhook.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { type Endpoint, pathParameter, queryParameter } from "../endpoint.ts";
import { WEBHOOK_ENDPOINT_ID } from "../example-ids.ts";
import type { JsonSchema } from "../spec.ts";
import { endpoint, fields, pageOf, withSecret } from "./webhook-examples.ts";

export const NOT_FOUND_ERRORS = ["malformedWebhookEndpointId", "webhookEndpointNotFound", "storeUnavailable"] as const;
const CHANGE_ERRORS = [...NOT_FOUND_ERRORS, "webhookEndpointReadOnly"] as const;

export const endpointId = pathParameter(
  "webhook_endpoint_id",
  "Webhook endpoint id. Ids of other projects count as unknown.",
);
type Properties = Record<string, JsonSchema>;
const endpointQuery = z.toJSONSchema(webhookEndpointListQuerySchema).properties as Properties;

const invalidFields = (base: object) => ({
  "A parameter is unknown. The message suggests a similar known one.": { ...base, event_type: [] },
  "`name` is empty.": { ...base, name: "" },
  "`name` is longer than 256 characters.": { ...base, name: "x".repeat(257) },
  "`url` is longer than 2048 characters.": { ...base, url: `https://example.com/${"x".repeat(2_048)}` },
  "`event_types` is empty.": { ...base, event_types: [] },
  "`event_types` has an event that this server does not send.": { ...base, event_types: ["batch.completed"] },
  "`event_types` has too many entries.": { ...base, event_types: Array(33).fill("response.failed") },
  "A parameter has the wrong type.": { ...base, name: 1 },
});
export const invalidPages = {
  "`limit` is below 1.": { limit: "0" },
  "`limit` is above 100.": { limit: "101" },
};

export const createWebhookEndpoint: Endpoint = {
  id: "createWebhookEndpoint",
  tag: "Webhooks",
  summary: "Create a webhook endpoint",
  description:
    "When a background response of the project ends, the server sends a signed POST to `url`. The signing secret is only in this answer and in that of a rotation.",
  body: {
    description: "Where to send which events.",
    isRequired: true,
    schema: createWebhookEndpointSchema,
    examples: { "Completed responses": fields },
  },
  answers: {
    200: {
      description: "The endpoint with its signing secret.",
      content: {
        "application/json": { schema: webhookEndpointWithSecretSchema, examples: { "An endpoint": withSecret } },
      },
    },
  },
  errors: [
    ...documentErrorsOf((body) => parseBody(createWebhookEndpointSchema, body), {
      "`event_types` is missing.": { name: fields.name, url: fields.url },
      ...invalidFields(fields),
    }),
    "webhookUrlInvalid",
    "webhookEndpointsFull",
    "adminNeedsProject",
    "storeUnavailable",
  ],
};

export const listWebhookEndpoints: Endpoint = {
  id: "listWebhookEndpoints",
  tag: "Webhooks",
  summary: "List the project's webhook endpoints",
  description: "Newest first. Endpoints of the operator's file come last.",
  parameters: [
    queryParameter("limit", "Maximum number of endpoints per page.", endpointQuery["limit"]!),
    queryParameter(
      "after",
      "List endpoints after this id. Pass the `last_id` of the previous page.",
      endpointQuery["after"]!,
    ),
  ],
  answers: {
    200: {
      description: "A page of endpoints.",
      content: {
        "application/json": { schema: webhookEndpointListSchema, examples: { "One endpoint": pageOf(endpoint) } },
      },
    },
  },
  errors: [
    ...documentErrorsOf((query) => parseWebhookEndpointListQuery(query as Record<string, string>), invalidPages),
    "listCursorNotFound",
    "adminNeedsProject",
    "storeUnavailable",
  ],
};

const endpointAnswer = (description: string): Endpoint["answers"] => ({
  200: {
    description,
    content: { "application/json": { schema: webhookEndpointSchema, examples: { "An endpoint": endpoint } } },
  },
});

export const retrieveWebhookEndpoint: Endpoint = {
  id: "retrieveWebhookEndpoint",
  tag: "Webhooks",
  summary: "Get a webhook endpoint",
  parameters: [endpointId],
  answers: endpointAnswer("The endpoint, without its signing secret."),
  errors: NOT_FOUND_ERRORS,
};

export const updateWebhookEndpoint: Endpoint = {
  id: "updateWebhookEndpoint",
  tag: "Webhooks",
  summary: "Update a webhook endpoint",
  description:
    "Omitted fields stay. Later tries of events that wait use the new values. A `url`, even the same, enables a disabled endpoint.",
  parameters: [endpointId],
  body: {
    description: "The fields to change.",
    isRequired: false,
    schema: updateWebhookEndpointSchema,
    examples: { "Another URL": { url: "https://example.com/other" } },
  },
  answers: endpointAnswer("The endpoint after the change."),
  errors: [
    ...documentErrorsOf((body) => parseBody(updateWebhookEndpointSchema, body), invalidFields({})),
    "webhookUrlInvalid",
    ...CHANGE_ERRORS,
  ],
};

export const deleteWebhookEndpoint: Endpoint = {
  id: "deleteWebhookEndpoint",
  tag: "Webhooks",
  summary: "Delete a webhook endpoint",
  description: "Events that wait for it are not tried again.",
  parameters: [endpointId],
  answers: {
    200: {
      description: "The endpoint is deleted.",
      content: {
        "application/json": {
          schema: deletedWebhookEndpointSchema,
          examples: { Deleted: { id: WEBHOOK_ENDPOINT_ID, object: "webhook_endpoint.deleted", deleted: true } },
        },
      },
    },
  },
  errors: CHANGE_ERRORS,
};

export const rotateWebhookSecret: Endpoint = {
  id: "rotateWebhookSecret",
  tag: "Webhooks",
  summary: "Replace a webhook endpoint's signing secret",
  description:
    "With `keep_old_secret_active_for_24_hours`, each webhook also has a signature of the old secret for 24 hours. Otherwise the old secret signs nothing more.",
  parameters: [endpointId],
  body: {
    description: "Optional. Without a body, the old secret ends at once.",
    isRequired: false,
    schema: rotateWebhookSecretSchema,
    examples: { "Keep the old secret for a day": { keep_old_secret_active_for_24_hours: true } },
  },
  answers: {
    200: {
      description: "The endpoint with its new signing secret.",
      content: {
        "application/json": { schema: webhookEndpointWithSecretSchema, examples: { "An endpoint": withSecret } },
      },
    },
  },
  errors: [
    ...documentErrorsOf((body) => parseBody(rotateWebhookSecretSchema, body), {
      "A parameter is unknown. The message suggests a similar known one.": { keep: true },
      "`keep_old_secret_active_for_24_hours` is not a boolean.": { keep_old_secret_active_for_24_hours: "yes" },
    }),
    ...CHANGE_ERRORS,
  ],
};

export const listWebhookEventTypes: Endpoint = {
  id: "listWebhookEventTypes",
  tag: "Webhooks",
  summary: "List the events that webhooks can have",
  answers: {
    200: {
      description: "The types of events.",
      content: {
        "application/json": {
          schema: webhookEventTypeListSchema,
          examples: { "All types": { object: "list", data: WEBHOOK_EVENT_TYPES } },
        },
      },
    },
  },
};
