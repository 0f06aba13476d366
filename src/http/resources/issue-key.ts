/** Creates service accounts and their keys. A key is shown once, in the answer that creates it. */
import { randomBytes } from "node:crypto";
import type { Response as HttpResponse } from "express";
import { hashApiKey } from "../../config/config.ts";
import type { ApiContext } from "../../context.ts";
import { projectArchived, serviceAccountNotFound, tooManyOf } from "../../lifecycle/errors/state.ts";
import { newId } from "../../protocol/id.ts";
import type { CreatedKey, ServiceAccount } from "../../protocol/organization/keys.ts";
import type { Project } from "../../protocol/organization/projects.ts";
import { MAX_KEYS_PER_PROJECT } from "../../store/organization/organization-keys.ts";
import { recordAudit } from "../replies/record-audit.ts";

const ID_DIGITS = 24;
const KEY_PREFIX = "sk-br-";
const KEY_BYTES = 32;
const SHOWN_START = KEY_PREFIX.length + 3;
const SHOWN_END = 4;

interface KeyWish {
  name: string;
  expiresInSeconds?: number | null | undefined;
}

export async function issueAccount(
  context: ApiContext,
  response: HttpResponse,
  project: Project,
  name: string,
): Promise<ServiceAccount & { role: "member" }> {
  const id = newId("svc_acct", ID_DIGITS);
  const account = { name, created_at: nowSeconds(context), role: "member" } as const;
  const outcome = await context.storage.organizationKeys.createAccount(toReference(project), id, account);
  if (outcome === "unknown") throw projectArchived(project.id);
  if (outcome === "full") throw tooManyOf("service accounts in this project", MAX_KEYS_PER_PROJECT);
  const resource = { id, data: { role: account.role } };
  await recordAudit(context, response, { type: "service_account.created", project: project.id, resource });
  return { id, object: "organization.project.service_account", ...account };
}

export async function issueKey(
  context: ApiContext,
  response: HttpResponse,
  project: Project,
  account: string,
  { name, expiresInSeconds }: KeyWish,
): Promise<CreatedKey> {
  const value = `${KEY_PREFIX}${randomBytes(KEY_BYTES).toString("base64url")}`;
  const id = newId("key", ID_DIGITS);
  const createdAt = nowSeconds(context);
  const expiresAt = expiresInSeconds == null ? undefined : createdAt + expiresInSeconds;
  const outcome = await context.storage.organizationKeys.createKey(toReference(project), id, {
    account,
    name,
    created_at: createdAt,
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    hash: hashApiKey(value).toString("hex"),
    redacted: `${value.slice(0, SHOWN_START)}***${value.slice(-SHOWN_END)}`,
  });
  if (outcome === "unknown") throw serviceAccountNotFound(account);
  if (outcome === "full") throw tooManyOf("keys in this project", MAX_KEYS_PER_PROJECT);
  const resource = { id, data: { service_account: account } };
  await recordAudit(context, response, { type: "api_key.created", project: project.id, resource });
  return {
    id,
    object: "organization.project.service_account.api_key",
    name,
    created_at: createdAt,
    expires_at: expiresAt ?? null,
    value,
  };
}

function toReference({ id, source }: Project) {
  return { id, isOfEnvironment: source === "environment" };
}

function nowSeconds({ storage }: ApiContext): number {
  return Math.floor(storage.clock.nowMs() / 1000);
}
