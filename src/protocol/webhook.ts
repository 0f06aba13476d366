/** Webhook endpoints and events, in the form of openai 7.59.0 (`client.webhooks`; contract.md#webhooks). */
import { z } from "zod";
import { listQuerySchema, listSchema } from "./list.ts";

export const webhookEventTypeSchema = z.enum([
  "response.completed",
  "response.failed",
  "response.cancelled",
  "response.incomplete",
]);
export type WebhookEventType = z.infer<typeof webhookEventTypeSchema>;

export const WEBHOOK_EVENT_TYPES = webhookEventTypeSchema.options;

const MAX_NAME_LENGTH = 256;
/** Longer URLs do not pass common servers. */
const MAX_URL_LENGTH = 2_048;
/** A list may repeat a type; the server keeps it once. */
const MAX_TYPES = 32;

export const webhookNameSchema = z.string().min(1).max(MAX_NAME_LENGTH);
const urlSchema = z.string().min(1).max(MAX_URL_LENGTH);
const typesSchema = z.array(webhookEventTypeSchema).min(1).max(MAX_TYPES);

export const createWebhookEndpointSchema = z.strictObject({
  event_types: typesSchema,
  name: webhookNameSchema,
  url: urlSchema,
});

export const updateWebhookEndpointSchema = createWebhookEndpointSchema.partial();

export const rotateWebhookSecretSchema = z.strictObject({
  keep_old_secret_active_for_24_hours: z.boolean().optional(),
});

export const testWebhookEndpointSchema = z.strictObject({ event_type: webhookEventTypeSchema });

export const webhookEndpointSchema = z.object({
  id: z.string(),
  object: z.literal("webhook_endpoint"),
  /** Unix seconds. */
  created_at: z.int(),
  updated_at: z.int(),
  name: z.string(),
  url: z.string(),
  event_types: z.array(webhookEventTypeSchema),
  /** The last characters of the signing secret. Null if the operator configured the endpoint. */
  signing_secret_hint: z.string().nullable(),
  /** Extension: whether events are sent. */
  status: z.enum(["enabled", "disabled"]),
  /** Extension. `gone`: the receiver answered 410. `failing`: every try failed for days. */
  disabled_reason: z.enum(["gone", "failing"]).nullable(),
  /** Extension: whether the operator configured it in a file. Such an endpoint cannot be changed. */
  read_only: z.boolean(),
});
export type WebhookEndpoint = z.infer<typeof webhookEndpointSchema>;

/** The only answers with the secret: to create and to rotate. */
export const webhookEndpointWithSecretSchema = z.object({
  ...webhookEndpointSchema.shape,
  signing_secret: z.string(),
});
export type WebhookEndpointWithSecret = z.infer<typeof webhookEndpointWithSecretSchema>;

export const deletedWebhookEndpointSchema = z.object({
  id: z.string(),
  object: z.literal("webhook_endpoint.deleted"),
  deleted: z.literal(true),
});

export const webhookEndpointTestResultSchema = z.object({
  object: z.literal("webhook_endpoint.test"),
  event_type: webhookEventTypeSchema,
  /** The receiver's answer. */
  status_code: z.int(),
  success: z.literal(true),
  webhook_endpoint_id: z.string(),
});
export type WebhookEndpointTestResult = z.infer<typeof webhookEndpointTestResultSchema>;

export const webhookEventTypeListSchema = z.object({
  object: z.literal("list"),
  data: z.array(webhookEventTypeSchema),
});

export const webhookEndpointListSchema = listSchema(webhookEndpointSchema);

const { limit, order, after } = listQuerySchema.shape;
/** Endpoints are listed newest first. */
export const webhookEndpointListQuerySchema = z.object({ limit, after });
export type WebhookEndpointListQuery = z.infer<typeof webhookEndpointListQuerySchema>;

/** The body of a delivery. It names the response; the receiver retrieves it. */
export const webhookEventSchema = z.object({
  id: z.string(),
  object: z.literal("event"),
  type: webhookEventTypeSchema,
  /** Unix seconds at which the response ended. */
  created_at: z.int(),
  data: z.object({ id: z.string() }),
});
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/**
 * Extension: one try of one event at one endpoint. `delivered`: answered with 2xx. `retrying`: another try follows at
 * `next_attempt_at`. `failed`: no further try. `dropped`: not tried, because too many events wait for the endpoint.
 */
export const webhookDeliverySchema = z.object({
  id: z.string(),
  object: z.literal("webhook_endpoint.delivery"),
  event_id: z.string(),
  event_type: webhookEventTypeSchema,
  response_id: z.string(),
  /** Counts from 1. */
  attempt: z.int(),
  state: z.enum(["delivered", "retrying", "failed", "dropped"]),
  /** Null if there was no answer. */
  status_code: z.int().nullable(),
  error: z.string().nullable(),
  /** Unix seconds. */
  sent_at: z.int(),
  duration_ms: z.int(),
  next_attempt_at: z.int().nullable(),
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;
export type WebhookDeliveryState = WebhookDelivery["state"];

export const webhookDeliveryListSchema = listSchema(webhookDeliverySchema);
export const webhookDeliveryListQuerySchema = z.object({ limit, order, after });
export type WebhookDeliveryListQuery = z.infer<typeof webhookDeliveryListQuerySchema>;
