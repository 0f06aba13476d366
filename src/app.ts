/** The API: every route and the middleware order on one screen. */
import express, { type Express, Router } from "express";
import { allowsAnonymous, replicaWaitMsOf } from "./config/config.ts";
import type { ApiContext } from "./context.ts";
import { cancelResponse } from "./http/endpoints/cancel-response.ts";
import { compactResponse } from "./http/endpoints/compact-response.ts";
import { deleteContainer, listContainers, retrieveContainer } from "./http/endpoints/containers.ts";
import {
  createConversation,
  deleteConversation,
  retrieveConversation,
  updateConversation,
} from "./http/endpoints/conversations/conversations.ts";
import { listConversations } from "./http/endpoints/conversations/list-conversations.ts";
import {
  createConversationItems,
  deleteConversationItem,
  listConversationItems,
  retrieveConversationItem,
} from "./http/endpoints/conversations/items.ts";
import { countInputTokens } from "./http/endpoints/count-input-tokens.ts";
import { createEmbeddings } from "./http/endpoints/create-embeddings.ts";
import { createResponse } from "./http/endpoints/create-response.ts";
import { deleteResponse } from "./http/endpoints/delete-response.ts";
import { createFile } from "./http/endpoints/files/create-file.ts";
import { retrieveFileContent } from "./http/endpoints/files/file-content.ts";
import { deleteFile, listFiles, retrieveFile } from "./http/endpoints/files/files.ts";
import { createConsoleRouter } from "./http/endpoints/console.ts";
import { createDocsRouter } from "./http/endpoints/docs/documentation.ts";
import { checkRedis, healthRoutes } from "./http/endpoints/health.ts";
import { listEventTimes } from "./http/endpoints/list-event-times.ts";
import { listInputItems } from "./http/endpoints/list-input-items.ts";
import { listResponses } from "./http/endpoints/list-responses.ts";
import { serveMetrics } from "./http/endpoints/metrics.ts";
import { listModels, retrieveModel } from "./http/endpoints/models.ts";
import { listAuditLog } from "./http/endpoints/organization/audit-log.ts";
import * as keys from "./http/endpoints/organization/project-keys.ts";
import * as limits from "./http/endpoints/organization/project-limits.ts";
import * as projects from "./http/endpoints/organization/projects.ts";
import * as alerts from "./http/endpoints/organization/spend-alerts.ts";
import { listCosts, listUsage } from "./http/endpoints/organization/usage.ts";
import * as accounts from "./http/endpoints/organization/service-accounts.ts";
import { listQueues } from "./http/endpoints/organization/queues.ts";
import { listWorkers } from "./http/endpoints/organization/workers.ts";
import { QUEUE_BOARD_PATH, queueBoard } from "./http/endpoints/queue-board.ts";
import { retrieveResponse } from "./http/endpoints/retrieve-response.ts";
import { retrieveRun } from "./http/endpoints/retrieve-run.ts";
import { createUploadPart } from "./http/endpoints/uploads/create-part.ts";
import { cancelUpload, completeUpload, createUpload } from "./http/endpoints/uploads/uploads.ts";
import { listWebhookDeliveries } from "./http/endpoints/webhooks/deliveries.ts";
import { listWebhookEventTypes } from "./http/endpoints/webhooks/event-types.ts";
import { testWebhookEndpoint } from "./http/endpoints/webhooks/test-endpoint.ts";
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  retrieveWebhookEndpoint,
  rotateWebhookSecret,
  updateWebhookEndpoint,
} from "./http/endpoints/webhooks/webhook-endpoints.ts";
import { authenticate, requireAdmin, requireProject } from "./http/middleware/authenticate.ts";
import { allowOrigins, parseOrigins } from "./http/middleware/cors.ts";
import { errorHandler } from "./http/middleware/error-handler.ts";
import { jsonBody } from "./http/middleware/json-body.ts";
import { attachRate, reportRateOnError } from "./http/middleware/rate-limit.ts";
import { rejectForeignOrigins } from "./http/middleware/reject-foreign-origins.ts";
import { rejectLargeBodies } from "./http/middleware/reject-large-bodies.ts";
import { rejectMalformedRequests } from "./http/middleware/reject-malformed-requests.ts";
import { rejectUnknownUrl } from "./http/middleware/reject-unknown-url.ts";
import { rejectWebSockets } from "./http/middleware/reject-web-sockets.ts";
import { reportRequests } from "./http/middleware/report-requests.ts";
import { assignRequestIds } from "./http/middleware/request-id.ts";
import { logRequests } from "./http/middleware/request-log.ts";
import { QueueStates } from "./responses/reading/queue-states.ts";
import type { Metrics } from "./telemetry/metrics/metrics.ts";

/** `metrics`: of this process, if it serves them on this port. */
export function createApp(context: ApiContext, metrics?: Metrics): Express {
  const { config, logger, storage } = context;
  const redis = checkRedis(context);
  const readiness = {
    redis: () => storage.ping(),
    queue: () => context.queue.check(),
    connections: () => context.isConnected(),
    setup: redis.isUsable,
    writes: () => storage.log.checkWrites(),
    accepting: () => !context.isDraining,
  };

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "extended");
  app.set("trust proxy", config.trustedProxies);
  app.use(assignRequestIds);
  app.use(
    healthRoutes(readiness, {
      replicaWaitMs: replicaWaitMsOf(config),
      warnings: redis.listWarnings,
      countWorkers: () => storage.workers.countAll(),
    }),
  );
  if (metrics !== undefined) app.get("/metrics", serveMetrics(metrics, config.metricsTokenHash));
  app.use(reportRequests);
  app.use(logRequests(logger, config.trustedProxies !== false));
  app.use(rejectMalformedRequests);
  app.use(allowOrigins(config.CORS_ORIGINS));
  app.use(rejectLargeBodies(config.MAX_BODY_BYTES));
  app.use(["/v1", "/v5"], createApiRouter(context));
  app.use(createDocsRouter(async () => (await import("./openapi/document.ts")).describeApi()));
  if (config.CONSOLE) app.use(createConsoleRouter());
  if (config.adminKeys.length > 0) app.use(QUEUE_BOARD_PATH, queueBoard(context));
  app.use(rejectUnknownUrl);
  app.use(errorHandler(logger));
  return app;
}

function createApiRouter(context: ApiContext): Router {
  const { config, catalog, storage } = context;
  const v1 = Router();
  if (allowsAnonymous(config)) v1.use(rejectForeignOrigins(config.HOST, parseOrigins(config.CORS_ORIGINS)));
  v1.use(authenticate(config, storage));
  v1.use(rejectWebSockets);

  // Per route, so that no body is read for an unknown path.
  const json = jsonBody(config.MAX_BODY_BYTES, config.MAX_BODY_VALUES);
  const reportRate = reportRateOnError(context);

  v1.post("/responses", requireProject, attachRate, json, createResponse(context), reportRate);
  v1.post("/responses/compact", requireProject, attachRate, json, compactResponse(context), reportRate);
  v1.post("/responses/input_tokens", requireProject, json, countInputTokens(context));
  v1.get("/responses", listResponses(context));
  v1.get("/responses/:response_id", retrieveResponse(context));
  v1.delete("/responses/:response_id", deleteResponse(context));
  v1.post("/responses/:response_id/cancel", cancelResponse(context));
  v1.get("/responses/:response_id/input_items", listInputItems(context));
  v1.get("/responses/:response_id/run", retrieveRun(context));
  v1.get("/responses/:response_id/event_times", listEventTimes(context));
  v1.get("/conversations", listConversations(context));
  v1.post("/conversations", requireProject, json, createConversation(context));
  v1.get("/conversations/:conversation_id", retrieveConversation(context));
  v1.post("/conversations/:conversation_id", json, updateConversation(context));
  v1.delete("/conversations/:conversation_id", deleteConversation(context));
  v1.get("/conversations/:conversation_id/items", listConversationItems(context));
  v1.post("/conversations/:conversation_id/items", json, createConversationItems(context));
  v1.get("/conversations/:conversation_id/items/:item_id", retrieveConversationItem(context));
  v1.delete("/conversations/:conversation_id/items/:item_id", deleteConversationItem(context));
  v1.get("/files", listFiles(context));
  v1.post("/files", requireProject, createFile(context));
  v1.get("/files/:file_id", retrieveFile(context));
  v1.delete("/files/:file_id", deleteFile(context));
  v1.get("/files/:file_id/content", retrieveFileContent(context));
  v1.post("/uploads", requireProject, json, createUpload(context));
  v1.post("/uploads/:upload_id/parts", createUploadPart(context));
  v1.post("/uploads/:upload_id/complete", json, completeUpload(context));
  v1.post("/uploads/:upload_id/cancel", cancelUpload(context));
  v1.get("/containers", listContainers(context));
  v1.get("/containers/:container_id", retrieveContainer(context));
  v1.delete("/containers/:container_id", deleteContainer(context));
  v1.get("/webhook_event_types", listWebhookEventTypes);
  v1.get("/webhook_endpoints", requireProject, listWebhookEndpoints(context));
  v1.post("/webhook_endpoints", requireProject, json, createWebhookEndpoint(context));
  v1.get("/webhook_endpoints/:webhook_endpoint_id", retrieveWebhookEndpoint(context));
  v1.post("/webhook_endpoints/:webhook_endpoint_id", json, updateWebhookEndpoint(context));
  v1.delete("/webhook_endpoints/:webhook_endpoint_id", deleteWebhookEndpoint(context));
  v1.post("/webhook_endpoints/:webhook_endpoint_id/rotate_secret", json, rotateWebhookSecret(context));
  v1.post("/webhook_endpoints/:webhook_endpoint_id/test", json, testWebhookEndpoint(context));
  v1.get("/webhook_endpoints/:webhook_endpoint_id/deliveries", listWebhookDeliveries(context));
  v1.post("/embeddings", requireProject, json, createEmbeddings(context));
  v1.get("/models", listModels(catalog));
  v1.get("/models/*model", retrieveModel(catalog));
  // Without admins, its paths are unknown.
  if (config.adminKeys.length > 0) v1.use("/organization", requireAdmin, createOrganizationRouter(context));
  return v1;
}

/** For administrators: the paths of the official client's `admin.organization`. */
function createOrganizationRouter(context: ApiContext): Router {
  const { config } = context;
  const v1 = Router();
  const json = jsonBody(config.MAX_BODY_BYTES, config.MAX_BODY_VALUES);
  v1.get("/workers", listWorkers(context));
  v1.get("/queues", listQueues(new QueueStates(context)));
  v1.get("/projects", projects.listProjects(context));
  v1.post("/projects", json, projects.createProject(context));
  v1.get("/projects/:project_id", projects.retrieveProject(context));
  v1.post("/projects/:project_id", json, projects.updateProject(context));
  v1.post("/projects/:project_id/archive", projects.archiveProject(context));
  v1.get("/projects/:project_id/api_keys", keys.listProjectKeys(context));
  v1.post("/projects/:project_id/api_keys", json, keys.createProjectKey(context));
  v1.get("/projects/:project_id/api_keys/:api_key_id", keys.retrieveProjectKey(context));
  v1.delete("/projects/:project_id/api_keys/:api_key_id", keys.deleteProjectKey(context));
  v1.get("/projects/:project_id/service_accounts", accounts.listServiceAccounts(context));
  v1.post("/projects/:project_id/service_accounts", json, accounts.createServiceAccount(context));
  const account = "/projects/:project_id/service_accounts/:service_account_id";
  v1.get(account, accounts.retrieveServiceAccount(context));
  v1.post(account, json, accounts.updateServiceAccount(context));
  v1.delete(account, accounts.deleteServiceAccount(context));
  v1.post(`${account}/api_keys`, json, accounts.createServiceAccountKey(context));
  v1.get("/projects/:project_id/rate_limits", limits.listRateLimits(context));
  v1.post("/projects/:project_id/rate_limits/:rate_limit_id", json, limits.updateRateLimit(context));
  v1.get("/projects/:project_id/spend_limit", limits.retrieveSpendLimit(context));
  v1.post("/projects/:project_id/spend_limit", json, limits.updateSpendLimit(context));
  v1.delete("/projects/:project_id/spend_limit", limits.deleteSpendLimit(context));
  v1.get("/projects/:project_id/spend_alerts", alerts.listSpendAlerts(context));
  v1.post("/projects/:project_id/spend_alerts", json, alerts.createSpendAlert(context));
  v1.get("/projects/:project_id/spend_alerts/:alert_id", alerts.retrieveSpendAlert(context));
  v1.post("/projects/:project_id/spend_alerts/:alert_id", json, alerts.updateSpendAlert(context));
  v1.delete("/projects/:project_id/spend_alerts/:alert_id", alerts.deleteSpendAlert(context));
  v1.get("/usage/completions", listUsage(context));
  v1.get("/costs", listCosts(context));
  v1.get("/audit_logs", listAuditLog(context));
  return v1;
}
