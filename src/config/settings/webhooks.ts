import { DAY_SECONDS, flag, integer, milliseconds, optionalText, seconds } from "../setting.ts";

const HOUR_MS = 60 * 60 * 1000;

export const webhookSettings = {
  WEBHOOKS_FILE: optionalText("Path of a JSON file with webhook endpoints of the operator, each for one project."),
  MAX_WEBHOOK_ENDPOINTS_PER_PROJECT: integer("Maximum webhook endpoints that one project creates.", {
    default: 20,
    max: 1_000,
  }),
  WEBHOOKS_ALLOW_HTTP: flag(
    "Permission for webhook endpoints whose URL begins with `http://`. Addresses that are not public also need `FETCH_ALLOWED_HOSTS`.",
    false,
  ),
  WEBHOOK_CONCURRENCY: integer(
    "Maximum webhooks that one worker sends at a time for one project. A reserve on top is for other projects.",
    { default: 50, min: 1, max: 1_000 },
  ),
  WEBHOOK_TIMEOUT_MS: milliseconds("Timeout of one try to send a webhook.", { default: 15_000, min: 1, max: 60_000 }),
  WEBHOOK_RETRY_DELAY_MS: milliseconds(
    "Delay before a webhook's first retry. Each further delay is three times as long, up to 6 hours.",
    { default: 5_000, min: 1, max: 6 * HOUR_MS },
  ),
  WEBHOOK_RETRY_SECONDS: seconds("Time for which a webhook is retried.", {
    default: 3 * DAY_SECONDS,
    min: 1,
    max: 30 * DAY_SECONDS,
  }),
  WEBHOOK_DISABLE_SECONDS: seconds(
    "Time of failures without a success after which an endpoint is disabled (0 = never).",
    { default: 5 * DAY_SECONDS },
  ),
};
