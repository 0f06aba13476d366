/** The errors of webhook endpoints, each with an example from its own constructor. */
import * as limits from "../lifecycle/errors/limits.ts";
import * as requests from "../lifecycle/errors/requests.ts";
import * as server from "../lifecycle/errors/server.ts";
import * as state from "../lifecycle/errors/state.ts";
import { WEBHOOK_ENDPOINT_ID } from "./example-ids.ts";

export const WEBHOOK_ERRORS = {
  malformedWebhookEndpointId: {
    when: "The id in the path does not begin with `whe`.",
    error: requests.malformedWebhookEndpointId("foo"),
  },
  webhookEndpointNotFound: {
    when: "The webhook endpoint does not exist: the id is unknown or another project's, or the endpoint was deleted.",
    error: state.webhookEndpointNotFound(WEBHOOK_ENDPOINT_ID),
  },
  webhookEndpointReadOnly: {
    when: "The endpoint is one of the operator's `WEBHOOKS_FILE`.",
    error: state.webhookEndpointReadOnly(WEBHOOK_ENDPOINT_ID),
  },
  webhookEndpointsFull: {
    when: "The project has `MAX_WEBHOOK_ENDPOINTS_PER_PROJECT` endpoints.",
    error: state.webhookEndpointsFull(20),
  },
  webhookUrlInvalid: {
    when: "`url` is not an HTTPS URL (or an HTTP URL with `WEBHOOKS_ALLOW_HTTP`), or contains a user name or password.",
    error: requests.webhookUrlInvalid("an HTTPS URL"),
  },
  webhookTestFailed: {
    when: "The receiver did not answer, or its address is not allowed. The message gives the reason.",
    error: state.webhookTestFailed("The server did not answer in time."),
  },
  webhookTestsFull: { when: "Too many tests run on this process.", error: limits.webhookTestsFull(5) },
  webhookTestUnsent: {
    when: "No worker has sent the test in time.",
    error: server.webhookTestUnsent(),
  },
};
