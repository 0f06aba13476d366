/** `/organization/projects/:id/rate_limits` and `…/spend_limit`. They apply at once on every process. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { rateLimitNotFound, spendLimitNotFound } from "../../../lifecycle/errors/state.ts";
import {
  ALL_MODELS,
  RATE_LIMIT_ID,
  type RateLimit,
  type SpendLimit,
  updateRateLimitSchema,
  updateSpendLimitSchema,
} from "../../../protocol/organization/limits.ts";
import { organizationListQuerySchema } from "../../../protocol/organization/projects.ts";
import { projectLimitsOf } from "../../../responses/admission/admission-limits.ts";
import { NANOS_PER_CENT } from "../../../store/organization/usage-counts.ts";
import { toOrganizationPage } from "../../replies/organization-page.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { loadActiveProject, loadProject } from "../../resources/load-project.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseQuery } from "../../validation/queries.ts";

export function listRateLimits(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(organizationListQuerySchema, request.query);
    const { id } = await loadProject(context, request);
    response.json(toOrganizationPage([await readRateLimit(context, id)], query));
  };
}

export function updateRateLimit(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const changes = parseBody(updateRateLimitSchema, request.body);
    const { id: project } = await loadActiveProject(context, request);
    const id = String(request.params["rate_limit_id"]);
    if (id !== RATE_LIMIT_ID) throw rateLimitNotFound(id);
    await context.storage.projectLimits.update(project, {
      maxRequestsPerMinute: changes.max_requests_per_1_minute,
      maxTokensPerMinute: changes.max_tokens_per_1_minute,
      maxOpen: changes.max_open_responses,
      maxStoredBytes: changes.max_stored_bytes,
    });
    const resource = { id, changes_requested: changes };
    await recordAudit(context, response, { type: "rate_limit.updated", project, resource });
    response.json(await readRateLimit(context, project));
  };
}

export function retrieveSpendLimit(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id } = await loadProject(context, request);
    response.json(await readSpendLimit(context, id));
  };
}

export function updateSpendLimit(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { threshold_amount: cents } = parseBody(updateSpendLimitSchema, request.body);
    const { id: project } = await loadActiveProject(context, request);
    await context.storage.projectLimits.setSpendLimit(project, cents);
    const resource = { id: project, threshold_amount: cents };
    await recordAudit(context, response, { type: "spend_limit.updated", project, resource });
    response.json(await readSpendLimit(context, project));
  };
}

export function deleteSpendLimit(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id: project } = await loadProject(context, request);
    if (!(await context.storage.projectLimits.removeSpendLimit(project))) throw spendLimitNotFound(project);
    await recordAudit(context, response, { type: "spend_limit.deleted", project, resource: { id: project } });
    response.json({ object: "project.spend_limit.deleted", deleted: true });
  };
}

async function readRateLimit({ limits, storage }: ApiContext, project: string): Promise<RateLimit> {
  const own = await storage.projectLimits.read(project);
  const { maxRequestsPerMinute, maxTokensPerMinute, maxOpen, maxStoredBytes } = { ...projectLimitsOf(limits), ...own };
  return {
    id: RATE_LIMIT_ID,
    object: "project.rate_limit",
    model: ALL_MODELS,
    max_requests_per_1_minute: maxRequestsPerMinute,
    max_tokens_per_1_minute: maxTokensPerMinute,
    max_open_responses: maxOpen,
    max_stored_bytes: maxStoredBytes,
  };
}

async function readSpendLimit({ storage }: ApiContext, project: string): Promise<SpendLimit> {
  const cents = await storage.projectLimits.readSpendLimit(project);
  if (cents === undefined) throw spendLimitNotFound(project);
  const nanos = await storage.usageCounts.readSpendNanos(project, storage.clock.nowMs());
  const spent = nanos / NANOS_PER_CENT;
  return {
    object: "project.spend_limit",
    currency: "USD",
    interval: "month",
    threshold_amount: cents,
    spent_amount: spent,
    enforcement: { status: spent >= cents ? "enforcing" : "inactive" },
  };
}
