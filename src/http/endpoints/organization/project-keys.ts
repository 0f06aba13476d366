/** `/organization/projects/:id/api_keys`: a project's keys, those of the environment included. */
import type { Request as HttpRequest, RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { fixedByEnvironment, keyNotFound } from "../../../lifecycle/errors/state.ts";
import { createKeySchema, keyListQuerySchema, type ProjectKey } from "../../../protocol/organization/keys.ts";
import type { Project } from "../../../protocol/organization/projects.ts";
import { environmentKeyId } from "../../../store/organization/actor.ts";
import type { AccountEntry, KeyEntry } from "../../../store/organization/organization-keys.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { toOrganizationPage } from "../../replies/organization-page.ts";
import { issueAccount, issueKey } from "../../resources/issue-key.ts";
import { loadActiveProject, loadProject } from "../../resources/load-project.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseQuery } from "../../validation/queries.ts";

/** Creates a key with a service account of the same name: an extension of this server. */
export function createProjectKey(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { name, expires_in_seconds: expiresInSeconds } = parseBody(createKeySchema, request.body);
    const project = await loadActiveProject(context, request);
    const account = await issueAccount(context, response, project, name);
    response.json(await issueKey(context, response, project, account.id, { name, expiresInSeconds }));
  };
}

export function listProjectKeys(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(keyListQuerySchema, request.query);
    const keys = await listKeys(context, await loadProject(context, request));
    const access = query.owner_project_access;
    const listed = access === "any" ? keys : keys.filter((key) => key.owner_project_access === access);
    response.json(toOrganizationPage(listed, query));
  };
}

export function retrieveProjectKey(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const project = await loadProject(context, request);
    const id = keyIdOf(request);
    const found = (await listKeys(context, project)).find((key) => key.id === id);
    if (found === undefined) throw keyNotFound(id);
    response.json(found);
  };
}

/** The key stops at once. Streams that are open and responses that run continue to their end. */
export function deleteProjectKey(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id: project } = await loadProject(context, request);
    const id = keyIdOf(request);
    const isOfEnvironment = keysOf(context, project).some(({ hash }) => environmentKeyId(hash) === id);
    if (isOfEnvironment) throw fixedByEnvironment(`Key '${id}'`, "API_KEYS");
    if (!(await context.storage.organizationKeys.deleteKey(project, id))) throw keyNotFound(id);
    await recordAudit(context, response, { type: "api_key.deleted", project, resource: { id } });
    response.json({ id, object: "organization.project.api_key.deleted", deleted: true });
  };
}

type ApiKey = ApiContext["config"]["apiKeys"][number];

function keyIdOf(request: HttpRequest): string {
  return String(request.params["api_key_id"]);
}

function keysOf({ config }: ApiContext, project: string): ApiKey[] {
  return config.apiKeys.filter((key) => key.project === project);
}

async function listKeys(context: ApiContext, project: Project): Promise<ProjectKey[]> {
  const { organizationKeys } = context.storage;
  const [keys, accounts] = await Promise.all([
    organizationKeys.listKeys(project.id),
    organizationKeys.listAccounts(project.id),
  ]);
  const accountById = new Map(accounts.map((account) => [account.id, account]));
  return [
    ...keysOf(context, project.id).map(describeEnvironmentKey),
    ...keys.map((key) => describeKey(key, accountById.get(key.account), project)),
  ];
}

function describeKey(key: KeyEntry, account: AccountEntry | undefined, { status }: Project): ProjectKey {
  const { name = key.name, role = "member", created_at: accountCreatedAt = key.created_at } = account ?? {};
  return {
    id: key.id,
    object: "organization.project.api_key",
    name: key.name,
    redacted_value: key.redacted,
    created_at: key.created_at,
    expires_at: key.expires_at ?? null,
    last_used_at: key.last_used_at ?? null,
    owner: {
      type: "service_account",
      service_account: { id: key.account, name, created_at: accountCreatedAt, role },
    },
    owner_project_access: status === "active" ? "active" : "inactive",
  };
}

/** Only the hash of such a key is known. */
function describeEnvironmentKey({ hash }: ApiKey): ProjectKey {
  const id = environmentKeyId(hash);
  return {
    id,
    object: "organization.project.api_key",
    name: "API_KEYS",
    redacted_value: "***",
    created_at: 0,
    expires_at: null,
    last_used_at: null,
    owner: {
      type: "service_account",
      service_account: { id: "environment", name: "API_KEYS", created_at: 0, role: "member" },
    },
    owner_project_access: "active",
  };
}
