/** Records in the audit log and in the server's log what a request has changed, and who sent it. */
import type { Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import type { AuditEntry } from "../../store/organization/audit-log.ts";

interface AuditedChange {
  /** A published type, such as `api_key.created`, or one of this server in the same form. */
  type: string;
  /** The project of the changed thing, if it has one. */
  project?: string | undefined;
  /** Its id, and what the published event of this type tells about it. Never a secret. */
  resource: { id: string } & Record<string, unknown>;
}

/**
 * Call it after the change, before the answer. It never throws: the change has happened, and the log line records it even
 * if Redis cannot.
 */
export async function recordAudit(
  { storage, logger }: Pick<ApiContext, "storage" | "logger">,
  response: HttpResponse,
  { type, project, resource }: AuditedChange,
): Promise<void> {
  const { type: actorType, name, keyId } = response.locals.actor;
  const requestId = response.getHeader("x-request-id");
  const entry: AuditEntry = {
    type,
    ...(project !== undefined && { project }),
    actor: { type: actorType, name, ...(keyId !== undefined && { keyId }) },
    ...(response.req.ip !== undefined && { clientAddress: response.req.ip }),
    ...(typeof requestId === "string" && { requestId }),
    resource,
  };
  const { actor, resource: changed, type: audit, ...rest } = entry;
  logger.info({ audit, ...rest, actor: actor.name, keyId: actor.keyId, resourceId: changed.id }, "Audit");
  try {
    await storage.auditLog.append(entry);
  } catch (err) {
    logger.error({ err, audit, requestId }, "Could not record in the audit log");
  }
}
