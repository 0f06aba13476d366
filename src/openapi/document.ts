/** The OpenAPI document: every route of `app.ts` with its answers. */
import { STATUS_CODES } from "node:http";
import { readRelease } from "../config/release.ts";
import { type Endpoint, NAMED_RESPONSES, toOperation } from "./endpoint.ts";
import { HEADERS, REQUEST_HEADERS } from "./headers.ts";
import * as contextWindow from "./operations/context-window.ts";
import * as items from "./operations/conversation-items.ts";
import * as containers from "./operations/containers.ts";
import * as conversations from "./operations/conversations.ts";
import { createResponse } from "./operations/create-response.ts";
import { createEmbeddings } from "./operations/embeddings.ts";
import * as files from "./operations/files.ts";
import * as lists from "./operations/lists.ts";
import * as models from "./operations/models.ts";
import * as keys from "./operations/organization/keys.ts";
import * as limits from "./operations/organization/limits.ts";
import * as projects from "./operations/organization/projects.ts";
import * as usage from "./operations/organization/usage.ts";
import * as responses from "./operations/responses.ts";
import * as runs from "./operations/runs.ts";
import * as server from "./operations/server.ts";
import * as uploads from "./operations/uploads.ts";
import * as workersAndQueues from "./operations/workers-and-queues.ts";
import * as deliveries from "./operations/webhook-deliveries.ts";
import * as webhooks from "./operations/webhooks.ts";
import { describeSchemas } from "./schemas.ts";
import type { ApiResponse, Method, OpenApiDocument, Operation, PathItem, Reference } from "./spec.ts";

type Paths = Record<string, Partial<Record<Method, Endpoint>>>;

/** Served under `/v1` and `/v5`. */
export const API: Paths = {
  "/responses": { get: lists.listResponses, post: createResponse },
  "/responses/input_tokens": { post: contextWindow.countInputTokens },
  "/responses/compact": { post: contextWindow.compactResponse },
  "/responses/{response_id}": { get: responses.retrieveResponse, delete: responses.deleteResponse },
  "/responses/{response_id}/cancel": { post: responses.cancelResponse },
  "/responses/{response_id}/input_items": { get: responses.listInputItems },
  "/responses/{response_id}/run": { get: runs.retrieveRun },
  "/responses/{response_id}/event_times": { get: runs.listEventTimes },
  "/conversations": { get: lists.listConversations, post: conversations.createConversation },
  "/conversations/{conversation_id}": {
    get: conversations.retrieveConversation,
    post: conversations.updateConversation,
    delete: conversations.deleteConversation,
  },
  "/conversations/{conversation_id}/items": { get: items.listConversationItems, post: items.createConversationItems },
  "/conversations/{conversation_id}/items/{item_id}": {
    get: items.retrieveConversationItem,
    delete: items.deleteConversationItem,
  },
  "/files": { get: files.listFiles, post: files.createFile },
  "/files/{file_id}": { get: files.retrieveFile, delete: files.deleteFile },
  "/files/{file_id}/content": { get: files.retrieveFileContent },
  "/uploads": { post: uploads.createUpload },
  "/uploads/{upload_id}/parts": { post: uploads.createUploadPart },
  "/uploads/{upload_id}/complete": { post: uploads.completeUpload },
  "/uploads/{upload_id}/cancel": { post: uploads.cancelUpload },
  "/containers": { get: containers.listContainers },
  "/containers/{container_id}": { get: containers.retrieveContainer, delete: containers.deleteContainer },
  "/organization/workers": { get: workersAndQueues.listWorkers },
  "/organization/queues": { get: workersAndQueues.listQueues },
  "/organization/projects": { get: projects.listProjects, post: projects.createProject },
  "/organization/projects/{project_id}": { get: projects.retrieveProject, post: projects.updateProject },
  "/organization/projects/{project_id}/archive": { post: projects.archiveProject },
  "/organization/projects/{project_id}/api_keys": { get: keys.listProjectKeys, post: keys.createProjectKey },
  "/organization/projects/{project_id}/api_keys/{api_key_id}": {
    get: keys.retrieveProjectKey,
    delete: keys.deleteProjectKey,
  },
  "/organization/projects/{project_id}/service_accounts": {
    get: keys.listServiceAccounts,
    post: keys.createServiceAccount,
  },
  "/organization/projects/{project_id}/service_accounts/{service_account_id}": {
    get: keys.retrieveServiceAccount,
    post: keys.updateServiceAccount,
    delete: keys.deleteServiceAccount,
  },
  "/organization/projects/{project_id}/service_accounts/{service_account_id}/api_keys": {
    post: keys.createServiceAccountKey,
  },
  "/organization/projects/{project_id}/rate_limits": { get: limits.listRateLimits },
  "/organization/projects/{project_id}/rate_limits/{rate_limit_id}": { post: limits.updateRateLimit },
  "/organization/projects/{project_id}/spend_limit": {
    get: limits.retrieveSpendLimit,
    post: limits.updateSpendLimit,
    delete: limits.deleteSpendLimit,
  },
  "/organization/projects/{project_id}/spend_alerts": { get: limits.listSpendAlerts, post: limits.createSpendAlert },
  "/organization/projects/{project_id}/spend_alerts/{alert_id}": {
    get: limits.retrieveSpendAlert,
    post: limits.updateSpendAlert,
    delete: limits.deleteSpendAlert,
  },
  "/organization/usage/completions": { get: usage.listUsage },
  "/organization/costs": { get: usage.listCosts },
  "/organization/audit_logs": { get: usage.listAuditLog },
  "/webhook_event_types": { get: webhooks.listWebhookEventTypes },
  "/webhook_endpoints": { get: webhooks.listWebhookEndpoints, post: webhooks.createWebhookEndpoint },
  "/webhook_endpoints/{webhook_endpoint_id}": {
    get: webhooks.retrieveWebhookEndpoint,
    post: webhooks.updateWebhookEndpoint,
    delete: webhooks.deleteWebhookEndpoint,
  },
  "/webhook_endpoints/{webhook_endpoint_id}/rotate_secret": { post: webhooks.rotateWebhookSecret },
  "/webhook_endpoints/{webhook_endpoint_id}/test": { post: deliveries.testWebhookEndpoint },
  "/webhook_endpoints/{webhook_endpoint_id}/deliveries": { get: deliveries.listWebhookDeliveries },
  "/embeddings": { post: createEmbeddings },
  "/models": { get: models.listModels },
  "/models/{model}": { get: models.retrieveModel },
};

/** Served at the root. */
const ROOT: Paths = {
  "/": { get: server.consolePage },
  "/healthz": { get: server.healthz },
  "/readyz": { get: server.readyz },
  "/openapi.json": { get: server.openApiJson },
  "/docs": { get: server.docs },
  "/docs/{page}": { get: server.docsPage },
};

const DESCRIPTION = [
  "A self-hosted server for the OpenAI Responses API, built for background mode. Runs take minutes to hours. The server records every event, and clients can resume a stream at any event, from any process.",
  "",
  '**Errors.** Every error has the form `{"error": {message, type, param, code}}`. Each status below lists its possible causes. An unknown path or method returns 404 with `Invalid URL (METHOD /path)`. Errors that precede a valid request have the same form and close the connection: 400 for input that is not HTTP, 431 for headers that are too long, 408 for a request that does not arrive in time. A WebSocket handshake returns 426.',
  "",
  "**Keys.** Send `Authorization: Bearer <key>`. A server without `API_KEYS` needs no key, and answers only clients on its own machine.",
  "",
  "**Beside the API.** `/metrics` serves metrics for Prometheus, on this port with `METRICS_TOKEN`, or on `METRICS_PORT` (`/docs/operations/metrics`). `/queues/board` shows BullMQ's view of the queues in a browser, with an admin key as the password; without `ADMIN_KEYS` it does not exist. Neither has the form of this API, so neither is described here.",
].join("\n");

const TAGS = [
  { name: "Responses", description: "Create, retrieve, stream, resume, cancel and delete responses." },
  { name: "Conversations", description: "Lists of items that several responses share." },
  { name: "Files", description: "Documents and images that requests name by id." },
  { name: "Containers", description: "Files and variables of the code interpreter." },
  { name: "Organization", description: "Everything of an installation, for administrators." },
  { name: "Webhooks", description: "Signed notifications of ended background responses." },
  { name: "Embeddings", description: "Vectors of texts, by the models of the configured providers." },
  { name: "Models", description: "The configured models." },
  { name: "Server", description: "Health checks and documentation. They need no key and have no `/v1` prefix." },
];

/** Relative to the document, so that both work behind a proxy that adds a path. */
const API_SERVERS = [
  { url: "./v1", description: "The API" },
  { url: "./v5", description: "The same API" },
];
const ROOT_SERVERS = [{ url: ".", description: "Health checks and documentation" }];

export function describeApi(): OpenApiDocument {
  const described = { ...pathsOf(API), ...pathsOf(ROOT, { servers: ROOT_SERVERS }) };
  const { paths, responses } = shareResponses(described);
  return {
    openapi: "3.1.0",
    info: {
      title: "background-responses",
      version: readRelease(),
      summary: "A self-hosted server for the OpenAI Responses API.",
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: API_SERVERS,
    security: [{ key: [] }],
    tags: TAGS,
    paths,
    components: {
      schemas: describeSchemas(referencesIn([paths, responses])),
      headers: { ...HEADERS },
      parameters: { ...REQUEST_HEADERS },
      responses,
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "One of the server's `API_KEYS`." } },
    },
  };
}

function pathsOf(paths: Paths, fields: Pick<PathItem, "servers"> = {}): Record<string, PathItem> {
  return Object.fromEntries(
    Object.entries(paths).map(([path, methods]) => {
      const operations = Object.entries(methods).map(([method, endpoint]) => [method, toOperation(endpoint)]);
      return [path, { ...fields, ...Object.fromEntries(operations) }];
    }),
  );
}

/** Moves answers that have a chosen name, or that several operations share, to the components. */
function shareResponses(paths: Record<string, PathItem>): {
  paths: Record<string, PathItem>;
  responses: Record<string, ApiResponse>;
} {
  const operations = Object.values(paths).flatMap(({ get, post, delete: erase }) => [get, post, erase]);
  const byContent = new Map<string, Operation[]>();
  for (const operation of operations) {
    for (const [status, response] of Object.entries(operation?.responses ?? {})) {
      const key = status + JSON.stringify(response);
      byContent.set(key, [...(byContent.get(key) ?? []), operation!]);
    }
  }
  const names = new Map(
    Object.entries(NAMED_RESPONSES).map(([name, { status, response }]) => [status + JSON.stringify(response), name]),
  );
  const responses: Record<string, ApiResponse> = {};
  for (const [key, users] of byContent) {
    if (users.length === 1 && !names.has(key)) continue;
    const status = key.slice(0, 3);
    const name =
      names.get(key) ??
      `${(STATUS_CODES[status] ?? status).replaceAll(/\W/g, "")}_${Object.keys(responses).length + 1}`;
    responses[name] = JSON.parse(key.slice(3)) as ApiResponse;
    for (const operation of users) operation.responses[status] = { $ref: `#/components/responses/${name}` };
  }
  return { paths, responses };
}

function referencesIn(value: unknown): Reference[] {
  const found = JSON.stringify(value).matchAll(/"\$ref":"([^"]+)"/g);
  return [...new Set([...found].map(([, ref]) => ref!))].map(($ref) => ({ $ref }));
}
