/** Projects, in the form of openai 7.59.0 (`admin.organization.projects`). Times are Unix seconds. */
import { z } from "zod";
import { listQuerySchema } from "../list.ts";

/** Names appear in reports and log lines. */
export const nameSchema = z.string().min(1).max(256);

export const projectSchema = z.object({
  id: z.string(),
  object: z.literal("organization.project"),
  name: z.string(),
  created_at: z.int(),
  archived_at: z.int().nullable(),
  status: z.enum(["active", "archived"]),
  /** `environment` for a project of API_KEYS, which only the settings can change: an extension of this server. */
  source: z.enum(["environment", "admin"]),
});
export type Project = z.infer<typeof projectSchema>;

/** This server has no external keys and no residency: only null is accepted. */
const unsupported = z.null().optional();

export const createProjectSchema = z.strictObject({
  name: nameSchema,
  external_key_id: unsupported,
  geography: unsupported,
  residency: unsupported,
});

export const updateProjectSchema = z.strictObject({
  name: nameSchema.nullish(),
  external_key_id: unsupported,
  geography: unsupported,
});

/** Lists of administration begin with the oldest. */
export const organizationListQuerySchema = z.object({
  limit: listQuerySchema.shape.limit,
  order: z.enum(["asc", "desc"]).default("asc"),
  after: listQuerySchema.shape.after,
  before: listQuerySchema.shape.after,
});
export type OrganizationListQuery = z.infer<typeof organizationListQuerySchema>;

export const projectListQuerySchema = organizationListQuerySchema.extend({
  include_archived: z.boolean().default(false),
});
