/** `/organization/projects/:id/spend_alerts`. An alert is passed once a month, by the response that reaches it. */
import type { Request as HttpRequest, RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { spendAlertNotFound, tooManyOf } from "../../../lifecycle/errors/state.ts";
import { newId } from "../../../protocol/id.ts";
import { type SpendAlert, type StoredAlert, writeSpendAlertSchema } from "../../../protocol/organization/limits.ts";
import { organizationListQuerySchema } from "../../../protocol/organization/projects.ts";
import { MAX_ALERTS_PER_PROJECT } from "../../../store/organization/spend-alerts.ts";
import { toOrganizationPage } from "../../replies/organization-page.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { loadActiveProject, loadProject } from "../../resources/load-project.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseQuery } from "../../validation/queries.ts";

const ID_DIGITS = 24;

export function createSpendAlert(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { threshold_amount, notification_channel } = parseBody(writeSpendAlertSchema, request.body);
    const { id: project } = await loadActiveProject(context, request);
    const id = newId("alert", ID_DIGITS);
    const created_at = Math.floor(context.storage.clock.nowMs() / 1000);
    const alert = { threshold_amount, notification_channel, created_at };
    const isCreated = await context.storage.spendAlerts.create(project, id, alert);
    if (!isCreated) throw tooManyOf("spend alerts in this project", MAX_ALERTS_PER_PROJECT);
    await recordAudit(context, response, { type: "spend_alert.created", project, resource: { id, threshold_amount } });
    response.json(describeAlert({ id, ...alert }));
  };
}

export function listSpendAlerts(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(organizationListQuerySchema, request.query);
    const { id } = await loadProject(context, request);
    const page = toOrganizationPage(await context.storage.spendAlerts.list(id), query);
    response.json({ ...page, data: page.data.map(describeAlert) });
  };
}

export function retrieveSpendAlert(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id } = await loadProject(context, request);
    response.json(describeAlert(await findAlert(context, id, request)));
  };
}

export function updateSpendAlert(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { threshold_amount, notification_channel } = parseBody(writeSpendAlertSchema, request.body);
    const { id: project } = await loadActiveProject(context, request);
    const { id, created_at } = await findAlert(context, project, request);
    const alert = { threshold_amount, notification_channel, created_at };
    if (!(await context.storage.spendAlerts.replace(project, id, alert))) throw spendAlertNotFound(id);
    await recordAudit(context, response, { type: "spend_alert.updated", project, resource: { id, threshold_amount } });
    response.json(describeAlert({ id, ...alert }));
  };
}

export function deleteSpendAlert(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id: project } = await loadProject(context, request);
    const id = String(request.params["alert_id"]);
    if (!(await context.storage.spendAlerts.remove(project, id))) throw spendAlertNotFound(id);
    await recordAudit(context, response, { type: "spend_alert.deleted", project, resource: { id } });
    response.json({ id, object: "project.spend_alert.deleted", deleted: true });
  };
}

async function findAlert({ storage }: ApiContext, project: string, request: HttpRequest) {
  const id = String(request.params["alert_id"]);
  const found = (await storage.spendAlerts.list(project)).find((alert) => alert.id === id);
  if (found === undefined) throw spendAlertNotFound(id);
  return found;
}

function describeAlert({ id, threshold_amount, notification_channel }: StoredAlert & { id: string }): SpendAlert {
  return {
    id,
    object: "project.spend_alert",
    currency: "USD",
    interval: "month",
    threshold_amount,
    notification_channel,
  };
}
