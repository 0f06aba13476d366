/** Limits, spend limits and spend alerts of a project, in the form of openai 7.59.0. */
import { z } from "zod";
import { nameSchema } from "./projects.ts";

/** The limits of a project apply to all of its models together. */
export const RATE_LIMIT_ID = "rl_all_models";
export const ALL_MODELS = "*";

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** 0 means unlimited. The last two are extensions of this server. */
export const rateLimitSchema = z.object({
  id: z.literal(RATE_LIMIT_ID),
  object: z.literal("project.rate_limit"),
  model: z.literal(ALL_MODELS),
  max_requests_per_1_minute: count,
  max_tokens_per_1_minute: count,
  max_open_responses: count,
  max_stored_bytes: count,
});
export type RateLimit = z.infer<typeof rateLimitSchema>;

/** Null restores the setting's limit. The server has no other limits, so it rejects the client's other fields. */
const newLimit = count.nullish();
export const updateRateLimitSchema = z.strictObject({
  max_requests_per_1_minute: newLimit,
  max_tokens_per_1_minute: newLimit,
  max_open_responses: newLimit,
  max_stored_bytes: newLimit,
});

/** Nine million dollars a month: sums in billionths of a dollar stay exact. */
const centsSchema = z.int().min(1).max(900_000_000);
const currency = z.literal("USD");
const interval = z.literal("month");

/** Amounts are cents. `spent_amount` is an extension of this server: what the project has spent this month. */
export const spendLimitSchema = z.object({
  object: z.literal("project.spend_limit"),
  currency,
  interval,
  threshold_amount: centsSchema,
  spent_amount: z.number(),
  enforcement: z.object({ status: z.enum(["inactive", "enforcing"]) }),
});
export type SpendLimit = z.infer<typeof spendLimitSchema>;

export const updateSpendLimitSchema = z.strictObject({ currency, interval, threshold_amount: centsSchema });

export const deletedSpendLimitSchema = z.object({
  object: z.literal("project.spend_limit.deleted"),
  deleted: z.literal(true),
});

/** Kept for the client. This server sends no mail: an alert is a log line, an audit entry and a metric. */
const notificationChannelSchema = z.strictObject({
  type: z.literal("email"),
  recipients: z.array(nameSchema).max(50),
  subject_prefix: nameSchema.nullish(),
});

export const storedAlertSchema = z.object({
  threshold_amount: centsSchema,
  notification_channel: notificationChannelSchema,
  created_at: z.int(),
});
export type StoredAlert = z.infer<typeof storedAlertSchema>;

export const spendAlertSchema = z.object({
  id: z.string(),
  object: z.literal("project.spend_alert"),
  currency,
  interval,
  threshold_amount: centsSchema,
  notification_channel: notificationChannelSchema,
});
export type SpendAlert = z.infer<typeof spendAlertSchema>;

export const writeSpendAlertSchema = z.strictObject({
  currency,
  interval,
  threshold_amount: centsSchema,
  notification_channel: notificationChannelSchema.default({ type: "email", recipients: [] }),
});

export const deletedSpendAlertSchema = z.object({
  id: z.string(),
  object: z.literal("project.spend_alert.deleted"),
  deleted: z.literal(true),
});
