/** `/organization/usage/completions` and `/organization/costs`. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { malformedPage } from "../../../lifecycle/errors/requests.ts";
import {
  type CostResult,
  costQuerySchema,
  dailyUsageQuerySchema,
  USAGE_BUCKETS,
  type UsagePage,
  type UsageResult,
  usageQuerySchema,
} from "../../../protocol/organization/usage.ts";
import {
  readUsageBuckets,
  type UsageBucket,
  type UsageGroup,
  type UsageRange,
} from "../../../responses/reading/usage-buckets.ts";
import { NANOS_PER_DOLLAR } from "../../../store/organization/usage-counts.ts";
import { parseQuery } from "../../validation/queries.ts";

export function listUsage(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const isHourly = request.query["bucket_width"] === "1h";
    const query = parseQuery(isHourly ? usageQuerySchema : dailyUsageQuerySchema, request.query);
    const page = await readPage(context, {
      ...query,
      bucketSeconds: USAGE_BUCKETS[query.bucket_width].seconds,
      models: query.models,
      byModel: query.group_by.includes("model"),
    });
    response.json(toPage(page, describeUsage));
  };
}

export function listCosts(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(costQuerySchema, request.query);
    const page = await readPage(context, {
      ...query,
      bucketSeconds: USAGE_BUCKETS[query.bucket_width].seconds,
      models: query.line_items,
      byModel: query.group_by.includes("line_item"),
    });
    response.json(toPage(page, describeCost));
  };
}

interface PageWish extends Pick<UsageRange, "bucketSeconds" | "limit" | "models" | "byModel"> {
  start_time: number;
  end_time?: number | undefined;
  page?: string | undefined;
  project_ids?: string[] | undefined;
  group_by: readonly string[];
}

interface ReadPage {
  buckets: UsageBucket[];
  next: number | undefined;
}

const PAGE = /^page_(\d{1,12})$/;

/** The last bucket is the current one. */
async function readPage({ storage }: ApiContext, wish: PageWish): Promise<ReadPage> {
  const { start_time, end_time, page, project_ids, group_by, ...rest } = wish;
  const now = Math.floor(storage.clock.nowMs() / 1000);
  const match = page === undefined ? undefined : PAGE.exec(page);
  if (match === null) throw malformedPage(page!);
  return await readUsageBuckets(storage, {
    ...rest,
    start: match === undefined ? start_time : Number(match[1]),
    end: Math.min(end_time ?? now + 1, now + 1),
    projects: project_ids,
    byProject: group_by.includes("project_id"),
  });
}

function toPage<T>({ buckets, next }: ReadPage, describe: (group: UsageGroup) => T[]): UsagePage<T> {
  const data = buckets.map(({ start, end, groups }) => ({
    object: "bucket" as const,
    start_time: start,
    end_time: end,
    results: groups.flatMap(describe),
  }));
  return { object: "page", data, has_more: next !== undefined, next_page: next === undefined ? null : `page_${next}` };
}

function describeUsage({ project, model, sums }: UsageGroup): UsageResult[] {
  const result: UsageResult = {
    object: "organization.usage.completions.result",
    input_tokens: sums.inputTokens,
    input_cached_tokens: sums.cachedTokens,
    output_tokens: sums.outputTokens,
    num_model_requests: sums.requests,
    project_id: project,
    model,
    user_id: null,
    api_key_id: null,
    batch: null,
    service_tier: null,
  };
  return [result];
}

/** Models without a price have no costs. */
function describeCost({ project, model, sums }: UsageGroup): CostResult[] {
  if (sums.costNanos === 0) return [];
  return [
    {
      object: "organization.costs.result",
      amount: { value: sums.costNanos / NANOS_PER_DOLLAR, currency: "usd" },
      project_id: project,
      line_item: model,
    },
  ];
}
