/** Examples of webhook endpoints and their deliveries. */
import { DELIVERY_ID, RESPONSE_ID, WEBHOOK_ENDPOINT_ID, WEBHOOK_EVENT_ID } from "../example-ids.ts";

export const fields = { event_types: ["response.completed"], name: "Reports", url: "https://example.com/webhooks" };
export const endpoint = {
  id: WEBHOOK_ENDPOINT_ID,
  object: "webhook_endpoint",
  created_at: 1_775_000_000,
  updated_at: 1_775_000_000,
  ...fields,
  signing_secret_hint: "whsec_...b9A=",
  status: "enabled",
  disabled_reason: null,
  read_only: false,
};
export const withSecret = { ...endpoint, signing_secret: "whsec_c2lnbnMsIGFuZCBpcyBvbmx5IGFuIGV4YW1wbGU=" };
export const delivery = {
  id: DELIVERY_ID,
  object: "webhook_endpoint.delivery",
  event_id: WEBHOOK_EVENT_ID,
  event_type: "response.completed",
  response_id: RESPONSE_ID,
  attempt: 1,
  state: "retrying",
  status_code: 503,
  error: "The receiver answered 503.",
  sent_at: 1_775_000_002,
  duration_ms: 41,
  next_attempt_at: 1_775_000_007,
};
export const pageOf = (entry: { id: string }) => ({
  object: "list",
  data: [entry],
  first_id: entry.id,
  last_id: entry.id,
  has_more: false,
});
