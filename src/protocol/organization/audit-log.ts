/** The audit log, in the form of openai 7.59.0. Times are Unix seconds. */
import { z } from "zod";
import { listQuerySchema } from "../list.ts";

/** Changes of this server's resources: the published types where they fit, and others in the same form. */
export const AUDIT_TYPES = [
  "api_key.created",
  "api_key.deleted",
  "container.deleted",
  "conversation.deleted",
  "project.archived",
  "project.created",
  "project.updated",
  "rate_limit.updated",
  "response.cancelled",
  "response.deleted",
  "service_account.created",
  "service_account.deleted",
  "service_account.updated",
  "spend_alert.created",
  "spend_alert.deleted",
  "spend_alert.passed",
  "spend_alert.updated",
  "spend_limit.deleted",
  "spend_limit.updated",
  "webhook_endpoint.created",
  "webhook_endpoint.deleted",
  "webhook_endpoint.secret_rotated",
  "webhook_endpoint.updated",
] as const;

const filter = z.array(z.string().max(1_024)).max(100).optional();
const time = z.int().min(0).max(253_402_300_799).optional();

export const auditQuerySchema = z.object({
  limit: listQuerySchema.shape.limit,
  after: listQuerySchema.shape.after,
  before: listQuerySchema.shape.after,
  effective_at: z.object({ gt: time, gte: time, lt: time, lte: time }).optional(),
  event_types: filter,
  actor_ids: filter,
  project_ids: filter,
  resource_ids: filter,
  /** Admins and projects have no mail addresses. */
  actor_emails: z.never().optional(),
});
export type AuditQuery = z.infer<typeof auditQuerySchema>;

/**
 * The field named like the type describes the change. `name` and `ip_address` of the actor are extensions of this server;
 * `api_key` is absent for a request without a key and for the server itself.
 */
export const auditEventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  effective_at: z.int(),
  actor: z.object({
    type: z.enum(["api_key", "server"]),
    name: z.string(),
    ip_address: z.string().nullable(),
    api_key: z.object({ id: z.string(), type: z.enum(["user", "service_account"]) }).optional(),
  }),
  project: z.object({ id: z.string() }).optional(),
  request_id: z.string().nullable(),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;
