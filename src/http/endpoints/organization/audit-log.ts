/** `/organization/audit_logs`: newest first. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { listCursorNotFound } from "../../../lifecycle/errors/state.ts";
import { type List, toPage } from "../../../protocol/list.ts";
import { type AuditEvent, type AuditQuery, auditQuerySchema } from "../../../protocol/organization/audit-log.ts";
import { type AuditEntry, isAuditLogId, type StoredAuditEntry } from "../../../store/organization/audit-log.ts";
import { parseQuery } from "../../validation/queries.ts";

export function listAuditLog(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(auditQuerySchema, request.query);
    const { limit, after, before, effective_at: range = {} } = query;
    for (const cursor of [after, before]) {
      if (cursor !== undefined && !isAuditLogId(cursor)) throw listCursorNotFound(cursor);
    }
    // One more than the page, to learn whether more follow.
    const found = await context.storage.auditLog.list({
      count: limit + 1,
      after,
      before,
      fromMs: lastOf(toMs(range.gte), toMs(range.gt, 1)),
      toMs: firstOf(toMs(range.lt, 0, -1), toMs(range.lte, 1, -1)),
      isWanted: createFilter(query),
    });
    const isEarlier = before !== undefined && after === undefined;
    const data = isEarlier ? found.slice(-limit) : found.slice(0, limit);
    const page: List<AuditEvent> = toPage(data.map(describeEntry), found.length > limit);
    response.json(page);
  };
}

function toMs(seconds: number | undefined, addedSeconds = 0, addedMs = 0): number | undefined {
  return seconds === undefined ? undefined : Math.max(0, (seconds + addedSeconds) * 1000 + addedMs);
}

function lastOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function firstOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function createFilter(query: AuditQuery): (entry: AuditEntry) => boolean {
  const includes = (wanted: readonly string[] | undefined, ...values: (string | undefined)[]) =>
    wanted === undefined || values.some((value) => value !== undefined && wanted.includes(value));
  return ({ type, actor, project, resource }) =>
    includes(query.event_types, type) &&
    includes(query.actor_ids, actor.keyId, actor.name) &&
    includes(query.project_ids, project) &&
    includes(query.resource_ids, resource.id);
}

function describeEntry(entry: StoredAuditEntry): AuditEvent & { id: string } {
  const { id, type, atMs, actor, project, clientAddress, requestId, resource } = entry;
  const keyType = actor.type === "admin" ? "user" : "service_account";
  return {
    id,
    type,
    effective_at: Math.floor(atMs / 1000),
    actor: {
      type: actor.type === "server" ? "server" : "api_key",
      name: actor.name,
      ip_address: clientAddress ?? null,
      ...(actor.keyId !== undefined && { api_key: { id: actor.keyId, type: keyType } }),
    },
    ...(project !== undefined && { project: { id: project } }),
    request_id: requestId ?? null,
    [type]: resource,
  };
}
