/** Usage and costs, in the form of openai 7.59.0. Times are Unix seconds. */
import { z } from "zod";

/** Maximum buckets of a page, and the default, by width. */
export const USAGE_BUCKETS = {
  "1h": { seconds: 3_600, default: 24, max: 168 },
  "1d": { seconds: 86_400, default: 7, max: 31 },
} as const;
export type BucketWidth = keyof typeof USAGE_BUCKETS;
export const MAX_COST_BUCKETS = 180;

const MAX_FILTERED = 100;
const MAX_SECONDS = 253_402_300_799;
const time = z.int().min(0).max(MAX_SECONDS);
const names = z.array(z.string().max(1_024)).max(MAX_FILTERED).optional();

const rangeShape = {
  start_time: time,
  end_time: time.optional(),
  project_ids: names,
  /** The `next_page` of the previous page. */
  page: z.string().max(1_024).optional(),
};

/** Usage is not counted by user, key, batch, tier or source: a filter that has no effect would give wrong sums. */
const uncounted = { user_ids: z.never().optional(), api_key_ids: z.never().optional(), batch: z.never().optional() };

export const usageQuerySchema = z.object({
  ...rangeShape,
  ...uncounted,
  bucket_width: z.enum(["1h", "1d"]).default("1d"),
  group_by: z.array(z.enum(["project_id", "model"])).default([]),
  models: names,
  limit: z.int().min(1).max(USAGE_BUCKETS["1h"].max).default(USAGE_BUCKETS["1h"].default),
});
export type UsageQuery = z.infer<typeof usageQuerySchema>;

/** Days have another limit. */
export const dailyUsageQuerySchema = usageQuerySchema.extend({
  limit: z.int().min(1).max(USAGE_BUCKETS["1d"].max).default(USAGE_BUCKETS["1d"].default),
});

/** A line item is the cost of one model. */
export const costQuerySchema = z.object({
  ...rangeShape,
  ...uncounted,
  bucket_width: z.enum(["1d"]).default("1d"),
  group_by: z.array(z.enum(["project_id", "line_item"])).default([]),
  line_items: names,
  limit: z.int().min(1).max(MAX_COST_BUCKETS).default(USAGE_BUCKETS["1d"].default),
});
export type CostQuery = z.infer<typeof costQuerySchema>;

export const usageResultSchema = z.object({
  object: z.literal("organization.usage.completions.result"),
  input_tokens: z.int(),
  input_cached_tokens: z.int(),
  output_tokens: z.int(),
  /** Model calls: the turns of all responses. */
  num_model_requests: z.int(),
  project_id: z.string().nullable(),
  model: z.string().nullable(),
  user_id: z.null(),
  api_key_id: z.null(),
  batch: z.null(),
  service_tier: z.null(),
});
export type UsageResult = z.infer<typeof usageResultSchema>;

export const costResultSchema = z.object({
  object: z.literal("organization.costs.result"),
  amount: z.object({ value: z.number(), currency: z.literal("usd") }),
  project_id: z.string().nullable(),
  line_item: z.string().nullable(),
});
export type CostResult = z.infer<typeof costResultSchema>;

function pageSchema<S extends z.ZodType>(result: S) {
  return z.object({
    object: z.literal("page"),
    data: z.array(
      z.object({ object: z.literal("bucket"), start_time: z.int(), end_time: z.int(), results: z.array(result) }),
    ),
    has_more: z.boolean(),
    next_page: z.string().nullable(),
  });
}
export const usagePageSchema = pageSchema(usageResultSchema);
export const costPageSchema = pageSchema(costResultSchema);

export interface UsagePage<T> {
  object: "page";
  data: { object: "bucket"; start_time: number; end_time: number; results: T[] }[];
  has_more: boolean;
  next_page: string | null;
}
