/** Keys and service accounts of a project, in the form of openai 7.59.0. Times are Unix seconds. */
import { z } from "zod";
import { nameSchema, organizationListQuerySchema } from "./projects.ts";

/** Ten years. */
const MAX_EXPIRY_SECONDS = 10 * 366 * 24 * 60 * 60;
const expirySchema = z.int().min(1).max(MAX_EXPIRY_SECONDS).nullish();

const expiresAt = z.int().nullable();

export const serviceAccountSchema = z.object({
  id: z.string(),
  object: z.literal("organization.project.service_account"),
  name: z.string(),
  role: z.enum(["owner", "member"]),
  created_at: z.int(),
});
export type ServiceAccount = z.infer<typeof serviceAccountSchema>;

/** `value` is the key itself. No other answer has it. */
export const createdKeySchema = z.object({
  id: z.string(),
  object: z.literal("organization.project.service_account.api_key"),
  name: z.string(),
  created_at: z.int(),
  expires_at: expiresAt,
  value: z.string(),
});
export type CreatedKey = z.infer<typeof createdKeySchema>;

export const createdAccountSchema = serviceAccountSchema.extend({
  role: z.literal("member"),
  api_key: createdKeySchema.nullable(),
});

export const projectKeySchema = z.object({
  id: z.string(),
  object: z.literal("organization.project.api_key"),
  name: z.string(),
  redacted_value: z.string(),
  created_at: z.int(),
  expires_at: expiresAt,
  /** This server does not record the use of keys. */
  /** To the minute. Null for keys of the environment, and before the first use. */
  last_used_at: z.number().int().nullable(),
  owner: z.object({
    type: z.literal("service_account"),
    service_account: z.object({ id: z.string(), name: z.string(), created_at: z.int(), role: z.string() }),
  }),
  /** `inactive` if the project is archived. */
  owner_project_access: z.enum(["active", "inactive"]),
});
export type ProjectKey = z.infer<typeof projectKeySchema>;

export const deletedKeySchema = z.object({
  id: z.string(),
  object: z.literal("organization.project.api_key.deleted"),
  deleted: z.literal(true),
});
export const deletedAccountSchema = z.object({
  id: z.string(),
  object: z.literal("organization.project.service_account.deleted"),
  deleted: z.literal(true),
});

export const createAccountSchema = z.strictObject({
  name: nameSchema,
  create_service_account_only: z.boolean().nullish(),
  expires_in_seconds: expirySchema,
});

export const updateAccountSchema = z.strictObject({
  name: nameSchema.optional(),
  role: z.enum(["member", "owner"]).optional(),
});

/** Every key may do everything in its project: scopes are not supported. */
export const createAccountKeySchema = z.strictObject({
  name: nameSchema.optional(),
  expires_in_seconds: expirySchema,
  scopes: z.null().optional(),
});

export const createKeySchema = z.strictObject({ name: nameSchema, expires_in_seconds: expirySchema });

export const keyListQuerySchema = organizationListQuerySchema.extend({
  owner_project_access: z.enum(["active", "inactive", "any"]).default("any"),
});
