/** Ids in a path. An id that this server cannot have made is malformed or unknown, and is not looked up. */
import type { Request as HttpRequest } from "express";
import {
  malformedContainerId,
  malformedConversationId,
  malformedResponseId,
  malformedWebhookEndpointId,
} from "../../lifecycle/errors/requests.ts";
import { fileNotFound, uploadNotFound } from "../../lifecycle/errors/files.ts";
import {
  containerNotFound,
  conversationNotFound,
  responseNotFound,
  webhookEndpointNotFound,
} from "../../lifecycle/errors/state.ts";
import {
  isContainerId,
  isConversationId,
  isFileId,
  isResponseId,
  isUploadId,
  isWebhookEndpointId,
} from "../../protocol/id.ts";

export function parseResponseId(request: HttpRequest): string {
  const id = String(request.params["response_id"]);
  if (!id.startsWith("resp")) throw malformedResponseId(id);
  if (!isResponseId(id)) throw responseNotFound(id);
  // For the access line.
  if (request.res !== undefined) request.res.locals.responseId = id;
  return id;
}

export function parseConversationId(request: HttpRequest): string {
  const id = String(request.params["conversation_id"]);
  if (!id.startsWith("conv")) throw malformedConversationId(id);
  if (!isConversationId(id)) throw conversationNotFound(id);
  return id;
}

export function parseContainerId(request: HttpRequest): string {
  const id = String(request.params["container_id"]);
  if (!id.startsWith("cntr")) throw malformedContainerId(id);
  if (!isContainerId(id)) throw containerNotFound(id);
  return id;
}

export function parseWebhookEndpointId(request: HttpRequest): string {
  const id = String(request.params["webhook_endpoint_id"]);
  if (!id.startsWith("whe")) throw malformedWebhookEndpointId(id);
  if (!isWebhookEndpointId(id)) throw webhookEndpointNotFound(id);
  return id;
}

/** The hosted API has one answer for every id that names no file. */
export function parseFileId(request: HttpRequest): string {
  const id = String(request.params["file_id"]);
  if (!isFileId(id)) throw fileNotFound(id);
  return id;
}

export function parseUploadId(request: HttpRequest): string {
  const id = String(request.params["upload_id"]);
  if (!isUploadId(id)) throw uploadNotFound(id);
  return id;
}
