/** Operations that send to a webhook endpoint, and list what was sent. */
import { z } from "zod";
import { parseBody } from "../../http/validation/parse-body.ts";
import { parseWebhookDeliveryListQuery } from "../../http/validation/queries.ts";
import {
  testWebhookEndpointSchema,
  webhookDeliveryListQuerySchema,
  webhookDeliveryListSchema,
  webhookEndpointTestResultSchema,
} from "../../protocol/webhook.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { type Endpoint, queryParameter } from "../endpoint.ts";
import { WEBHOOK_ENDPOINT_ID } from "../example-ids.ts";
import type { JsonSchema } from "../spec.ts";
import { delivery, pageOf } from "./webhook-examples.ts";
import { endpointId, invalidPages, NOT_FOUND_ERRORS } from "./webhooks.ts";

const deliveryQuery = z.toJSONSchema(webhookDeliveryListQuerySchema).properties as Record<string, JsonSchema>;

export const testWebhookEndpoint: Endpoint = {
  id: "testWebhookEndpoint",
  tag: "Webhooks",
  summary: "Send a sample event to a webhook endpoint",
  description:
    "A worker sends one signed sample, about a response that does not exist, and does not retry. The answer has the receiver's status, whatever it is.",
  parameters: [endpointId],
  body: {
    description: "The type of the sample.",
    isRequired: true,
    schema: testWebhookEndpointSchema,
    examples: { "A completed response": { event_type: "response.completed" } },
  },
  answers: {
    200: {
      description: "The receiver answered.",
      content: {
        "application/json": {
          schema: webhookEndpointTestResultSchema,
          examples: {
            Acknowledged: {
              object: "webhook_endpoint.test",
              event_type: "response.completed",
              status_code: 200,
              success: true,
              webhook_endpoint_id: WEBHOOK_ENDPOINT_ID,
            },
          },
        },
      },
    },
  },
  errors: [
    ...documentErrorsOf((body) => parseBody(testWebhookEndpointSchema, body), {
      "A parameter is unknown. The message suggests a similar known one.": { type: "response.failed" },
      "`event_type` is missing.": {},
      "`event_type` is an event that this server does not send.": { event_type: "batch.completed" },
    }),
    ...NOT_FOUND_ERRORS,
    "webhookTestFailed",
    "webhookTestsFull",
    "webhookTestUnsent",
  ],
};

export const listWebhookDeliveries: Endpoint = {
  id: "listWebhookDeliveries",
  tag: "Webhooks",
  summary: "List the recent tries of a webhook endpoint",
  description: "An extension of this server. It keeps about the last 500 tries, for 30 days.",
  parameters: [
    endpointId,
    queryParameter("limit", "Maximum number of tries per page.", deliveryQuery["limit"]!),
    queryParameter("order", "`desc` lists the newest first.", deliveryQuery["order"]!),
    queryParameter(
      "after",
      "List tries after this id. Pass the `last_id` of the previous page.",
      deliveryQuery["after"]!,
    ),
  ],
  answers: {
    200: {
      description: "A page of tries.",
      content: {
        "application/json": { schema: webhookDeliveryListSchema, examples: { "One try": pageOf(delivery) } },
      },
    },
  },
  errors: [
    ...documentErrorsOf((query) => parseWebhookDeliveryListQuery(query as Record<string, string>), {
      ...invalidPages,
      "`order` is neither `asc` nor `desc`.": { order: "up" },
    }),
    "listCursorNotFound",
    ...NOT_FOUND_ERRORS,
  ],
};
