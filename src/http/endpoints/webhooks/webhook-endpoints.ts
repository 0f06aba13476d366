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
import { parseBody } from "../../validation/parse-body.ts";
import { parseWebhookEndpointId } from "../../validation/path-ids.ts";
import { parseWebhookEndpointListQuery } from "../../validation/queries.ts";
import { checkWebhookUrl } from "../../validation/webhook-url.ts";

/** The only answer with the secret, beside that to a rotation. */
export function createWebhookEndpoint({ config, storage }: ApiContext): RequestHandler {
  const { MAX_WEBHOOK_ENDPOINTS_PER_PROJECT: limit, WEBHOOKS_ALLOW_HTTP: allowsHttp } = config;
  return async (request, response) => {
    const fields = parseBody(createWebhookEndpointSchema, request.body);
    checkWebhookUrl(fields.url, allowsHttp);
    const created = await storage.webhooks.endpoints.create(response.locals.project, fields, limit);
    if (created === undefined) throw webhookEndpointsFull(limit);
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

export function updateWebhookEndpoint({ config, storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const { name, url, event_types } = parseBody(updateWebhookEndpointSchema, request.body);
    if (url !== undefined) checkWebhookUrl(url, config.WEBHOOKS_ALLOW_HTTP);
    const changes = {
      ...(name !== undefined && { name }),
      ...(url !== undefined && { url }),
      ...(event_types !== undefined && { event_types }),
    };
    const updated = await storage.webhooks.endpoints.update(response.locals.project, id, changes);
    if (updated.kind === "unknown") throw webhookEndpointNotFound(id);
    if (updated.kind === "read-only") throw webhookEndpointReadOnly(id);
    response.json(updated.endpoint);
  };
}

export function rotateWebhookSecret({ storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const { keep_old_secret_active_for_24_hours: keepsOld = false } = parseBody(
      rotateWebhookSecretSchema,
      request.body,
    );
    const rotated = await storage.webhooks.endpoints.rotateSecret(response.locals.project, id, { keepsOld });
    if (rotated.kind === "unknown") throw webhookEndpointNotFound(id);
    if (rotated.kind === "read-only") throw webhookEndpointReadOnly(id);
    response.json(rotated.endpoint);
  };
}

/** Events that wait for it are not tried again. */
export function deleteWebhookEndpoint({ storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const outcome = await storage.webhooks.endpoints.delete(response.locals.project, id);
    if (outcome === "unknown") throw webhookEndpointNotFound(id);
    if (outcome === "read-only") throw webhookEndpointReadOnly(id);
    response.json({ id, object: "webhook_endpoint.deleted", deleted: true });
  };
}
