/** `/organization/projects/:id/service_accounts`: the owners of keys. */
import type { Request as HttpRequest, RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { serviceAccountNotFound } from "../../../lifecycle/errors/state.ts";
import {
  createAccountKeySchema,
  createAccountSchema,
  type ServiceAccount,
  updateAccountSchema,
} from "../../../protocol/organization/keys.ts";
import { organizationListQuerySchema } from "../../../protocol/organization/projects.ts";
import type { AccountEntry } from "../../../store/organization/organization-keys.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { toOrganizationPage } from "../../replies/organization-page.ts";
import { issueAccount, issueKey } from "../../resources/issue-key.ts";
import { loadActiveProject, loadProject } from "../../resources/load-project.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseQuery } from "../../validation/queries.ts";

export function createServiceAccount(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const body = parseBody(createAccountSchema, request.body);
    const project = await loadActiveProject(context, request);
    const account = await issueAccount(context, response, project, body.name);
    const wish = { name: body.name, expiresInSeconds: body.expires_in_seconds };
    const isAlone = body.create_service_account_only === true;
    const key = isAlone ? null : await issueKey(context, response, project, account.id, wish);
    response.json({ ...account, api_key: key });
  };
}

export function createServiceAccountKey(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const body = parseBody(createAccountKeySchema, request.body);
    const project = await loadActiveProject(context, request);
    const account = await findAccount(context, project.id, request);
    const wish = { name: body.name ?? account.name, expiresInSeconds: body.expires_in_seconds };
    response.json(await issueKey(context, response, project, account.id, wish));
  };
}

export function listServiceAccounts(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(organizationListQuerySchema, request.query);
    const { id } = await loadProject(context, request);
    const accounts = await context.storage.organizationKeys.listAccounts(id);
    response.json(toOrganizationPage(accounts.map(describeAccount), query));
  };
}

export function retrieveServiceAccount(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id } = await loadProject(context, request);
    response.json(describeAccount(await findAccount(context, id, request)));
  };
}

export function updateServiceAccount(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const changes = parseBody(updateAccountSchema, request.body);
    const { id: project } = await loadActiveProject(context, request);
    const id = accountIdOf(request);
    const updated = await context.storage.organizationKeys.updateAccount(project, id, changes);
    if (updated === undefined) throw serviceAccountNotFound(id);
    const resource = { id, changes_requested: changes };
    await recordAudit(context, response, { type: "service_account.updated", project, resource });
    response.json(describeAccount(updated));
  };
}

/** Also deletes the account's keys. */
export function deleteServiceAccount(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id: project } = await loadProject(context, request);
    const id = accountIdOf(request);
    const keys = await context.storage.organizationKeys.deleteAccount(project, id);
    if (keys === undefined) throw serviceAccountNotFound(id);
    for (const key of keys) {
      await recordAudit(context, response, { type: "api_key.deleted", project, resource: { id: key } });
    }
    await recordAudit(context, response, { type: "service_account.deleted", project, resource: { id } });
    response.json({ id, object: "organization.project.service_account.deleted", deleted: true });
  };
}

function accountIdOf(request: HttpRequest): string {
  return String(request.params["service_account_id"]);
}

async function findAccount(context: ApiContext, project: string, request: HttpRequest): Promise<AccountEntry> {
  const id = accountIdOf(request);
  const accounts = await context.storage.organizationKeys.listAccounts(project);
  const found = accounts.find((account) => account.id === id);
  if (found === undefined) throw serviceAccountNotFound(id);
  return found;
}

function describeAccount({ id, name, role, created_at }: AccountEntry): ServiceAccount {
  return { id, object: "organization.project.service_account", name, role, created_at };
}
