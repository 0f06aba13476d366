/** `/webhook_endpoints`, `/webhook_endpoints/:id` and its `/rotate_secret` (contract.md#webhooks). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import {
  listCursorNotFound,
  webhookEndpointNotFound,
  webhookEndpointReadOnly,
  webhookEndpointsFull,
} from "../../../lifecycle/errors/state.ts";
import { paginate } from "../../../protocol/list.ts";
import {
  createWebhookEndpointSchema,
  rotateWebhookSecretSchema,
  updateWebhookEndpointSchema,
} from "../../../protocol/webhook.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseWebhookEndpointId } from "../../validation/path-ids.ts";
import { parseWebhookEndpointListQuery } from "../../validation/queries.ts";
import { checkWebhookUrl } from "../../validation/webhook-url.ts";

/** The only answer with the secret, beside that to a rotation. */
export function createWebhookEndpoint(context: ApiContext): RequestHandler {
  const { config, storage } = context;
  const { MAX_WEBHOOK_ENDPOINTS_PER_PROJECT: limit, WEBHOOKS_ALLOW_HTTP: allowsHttp } = config;
  return async (request, response) => {
    const fields = parseBody(createWebhookEndpointSchema, request.body);
    checkWebhookUrl(fields.url, allowsHttp);
    const { project } = response.locals;
    const created = await storage.webhooks.endpoints.create(project, fields, limit);
    if (created === undefined) throw webhookEndpointsFull(limit);
    const { id, name, event_types } = created;
    await recordAudit(context, response, {
      type: "webhook_endpoint.created",
      project,
      resource: { id, name, event_types },
    });
    response.json(created);
  };
}

export function listWebhookEndpoints({ storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const { limit, after } = parseWebhookEndpointListQuery(request.query);
    const endpoints = await storage.webhooks.endpoints.list(response.locals.project);
    // They are in the order of the pages: newest first.
    const page = paginate(endpoints, { limit, after, order: "asc" });
    if (page === undefined) throw listCursorNotFound(after!);
    response.json(page);
  };
}

export function retrieveWebhookEndpoint({ storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const found = await storage.webhooks.endpoints.find(response.locals.project, id);
    if (found.kind !== "found") throw webhookEndpointNotFound(id);
    response.json(found.endpoint);
  };
}

export function updateWebhookEndpoint(context: ApiContext): RequestHandler {
  const { config, storage } = context;
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const { name, url, event_types } = parseBody(updateWebhookEndpointSchema, request.body);
    if (url !== undefined) checkWebhookUrl(url, config.WEBHOOKS_ALLOW_HTTP);
    const changes = {
      ...(name !== undefined && { name }),
      ...(url !== undefined && { url }),
      ...(event_types !== undefined && { event_types }),
    };
    const { project } = response.locals;
    const updated = await storage.webhooks.endpoints.update(project, id, changes);
    if (updated.kind === "unknown") throw webhookEndpointNotFound(id);
    if (updated.kind === "read-only") throw webhookEndpointReadOnly(id);
    // The URL may be a secret.
    const resource = { id, changed_fields: Object.keys(changes) };
    await recordAudit(context, response, { type: "webhook_endpoint.updated", project, resource });
    response.json(updated.endpoint);
  };
}

export function rotateWebhookSecret(context: ApiContext): RequestHandler {
  const { storage } = context;
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const { keep_old_secret_active_for_24_hours: keepsOld = false } = parseBody(
      rotateWebhookSecretSchema,
      request.body,
    );
    const { project } = response.locals;
    const rotated = await storage.webhooks.endpoints.rotateSecret(project, id, { keepsOld });
    if (rotated.kind === "unknown") throw webhookEndpointNotFound(id);
    if (rotated.kind === "read-only") throw webhookEndpointReadOnly(id);
    await recordAudit(context, response, { type: "webhook_endpoint.secret_rotated", project, resource: { id } });
    response.json(rotated.endpoint);
  };
}

/** Events that wait for it are not tried again. */
export function deleteWebhookEndpoint(context: ApiContext): RequestHandler {
  const { storage } = context;
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const { project } = response.locals;
    const outcome = await storage.webhooks.endpoints.delete(project, id);
    if (outcome === "unknown") throw webhookEndpointNotFound(id);
    if (outcome === "read-only") throw webhookEndpointReadOnly(id);
    await recordAudit(context, response, { type: "webhook_endpoint.deleted", project, resource: { id } });
    response.json({ id, object: "webhook_endpoint.deleted", deleted: true });
  };
}
