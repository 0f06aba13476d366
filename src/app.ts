/** The API: every route and the order of what happens to a request, on one screen. */
import type { Preflight } from "./redis/preflight.ts";
import express, { type Express, Router } from "express";
import type { ApiContext } from "./context.ts";
import { authenticate, rejectForeignOrigins } from "./http/middleware/authenticate.ts";
import { cancelResponse } from "./http/endpoints/cancel-response.ts";
import { compactResponse } from "./http/endpoints/compact-response.ts";
import { deleteContainer, listContainers, retrieveContainer } from "./http/endpoints/containers.ts";
import {
  createConversation,
  deleteConversation,
  retrieveConversation,
  updateConversation,
} from "./http/endpoints/conversations/conversations.ts";
import {
  createConversationItems,
  deleteConversationItem,
  listConversationItems,
  retrieveConversationItem,
} from "./http/endpoints/conversations/items.ts";
import { replicaWaitMsOf } from "./config/config.ts";
import { allowOrigins, parseOrigins } from "./http/middleware/cors.ts";
import { countInputTokens } from "./http/endpoints/count-input-tokens.ts";
import { createResponse } from "./http/endpoints/create-response.ts";
import { deleteResponse } from "./http/endpoints/delete-response.ts";
import { createDocsRouter } from "./http/endpoints/docs/documentation.ts";
import { errorHandler, rejectUnknownUrl } from "./http/middleware/error-handler.ts";
import { healthRoutes, type ReadinessChecks } from "./http/endpoints/health.ts";
import { rejectLargeBodies, rejectMalformedRequests, rejectWebSockets } from "./http/middleware/http-server.ts";
import { jsonBody } from "./http/middleware/json-body.ts";
import { listInputItems } from "./http/endpoints/list-input-items.ts";
import { listModels, retrieveModel } from "./http/endpoints/models.ts";
import { limitRequests } from "./http/middleware/rate-limit.ts";
import { logRequests, assignRequestIds } from "./http/middleware/request-log.ts";
import { retrieveResponse } from "./http/endpoints/retrieve-response.ts";

export function createApp(context: ApiContext): Express {
  const { config, logger, catalog, storage } = context;

  const v1 = Router();
  if (config.apiKeys.length === 0) v1.use(rejectForeignOrigins(config.HOST, parseOrigins(config.CORS_ORIGINS)));
  v1.use(authenticate(config.apiKeys));
  v1.use(rejectWebSockets);
  // Read only where a body means something: what comes to a path that there is not is nobody's to parse.
  const json = jsonBody(config.MAX_BODY_BYTES, config.MAX_BODY_VALUES);
  const limit = limitRequests(storage.creationRates, logger, config.RATE_LIMIT_REQUESTS_PER_MINUTE);
  v1.post("/responses", limit.attachPermit, json, createResponse(context), limit.reportOnError);
  v1.post("/responses/compact", limit.attachPermit, json, compactResponse(context), limit.reportOnError);
  v1.post("/responses/input_tokens", json, countInputTokens(context));
  v1.get("/responses/:response_id", retrieveResponse(context));
  v1.delete("/responses/:response_id", deleteResponse(context));
  v1.post("/responses/:response_id/cancel", cancelResponse(context));
  v1.get("/responses/:response_id/input_items", listInputItems(context));
  v1.post("/conversations", json, createConversation(context));
  v1.get("/conversations/:conversation_id", retrieveConversation(context));
  v1.post("/conversations/:conversation_id", json, updateConversation(context));
  v1.delete("/conversations/:conversation_id", deleteConversation(context));
  v1.get("/conversations/:conversation_id/items", listConversationItems(context));
  v1.post("/conversations/:conversation_id/items", json, createConversationItems(context));
  v1.get("/conversations/:conversation_id/items/:item_id", retrieveConversationItem(context));
  v1.delete("/conversations/:conversation_id/items/:item_id", deleteConversationItem(context));
  v1.get("/containers", listContainers(context));
  v1.get("/containers/:container_id", retrieveContainer(context));
  v1.delete("/containers/:container_id", deleteContainer(context));
  v1.get("/models", listModels(catalog));
  v1.get("/models/*model", retrieveModel(catalog));

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "extended");
  app.use(assignRequestIds);
  app.use(
    healthRoutes(
      {
        redis: () => storage.ping(),
        queue: () => context.queue.check(),
        connections: () => context.isConnected(),
        setup: () => isRedisUsable(context.preflight),
        writes: () => storage.log.checkWrites(),
        accepting: () => !context.isDraining,
      },
      { replicaWaitMs: replicaWaitMsOf(config), warnings: () => listWarnings(context.preflight) },
    ),
  );
  app.use(logRequests(logger));
  app.use(rejectMalformedRequests);
  app.use(allowOrigins(config.CORS_ORIGINS));
  app.use(rejectLargeBodies(config.MAX_BODY_BYTES));
  app.use(createDocsRouter(async () => (await import("./openapi/document.ts")).describeApi()));
  app.use(["/v1", "/v5"], v1);
  app.use(rejectUnknownUrl);
  app.use(errorHandler(logger));
  return app;
}

/** What a worker serves: only whether it is well. */
export function createHealthApp(
  checks: ReadinessChecks,
  { preflight, replicaWaitMs }: { preflight?: Preflight; replicaWaitMs?: number } = {},
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(assignRequestIds);
  const all = preflight === undefined ? checks : { ...checks, setup: () => isRedisUsable(preflight) };
  const warnings = preflight && (() => listWarnings(preflight));
  app.use(healthRoutes(all, { ...(replicaWaitMs !== undefined && { replicaWaitMs }), ...(warnings && { warnings }) }));
  return app;
}

async function isRedisUsable(preflight: Preflight): Promise<boolean> {
  const { errors, waitReasons } = await preflight.check();
  return errors.length === 0 && waitReasons.length === 0;
}

async function listWarnings(preflight: Preflight): Promise<string[]> {
  return (await preflight.check()).warnings;
}
