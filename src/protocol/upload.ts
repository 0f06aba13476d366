/** Uploads of large files in parts, in the form of openai 7.59.0 (`Upload`, `UploadPart`, `UploadCreateParams`, …). */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { expiresAfterSchema, fileObjectSchema, filePurposeSchema } from "./file.ts";

/** Published. */
export const MAX_PART_BYTES = 64 * 1024 * 1024;
/** More than the largest upload has in parts of 8 MiB. */
export const MAX_PARTS = 1_024;
/** Published: an upload expires an hour after its creation. */
export const UPLOAD_LIFETIME_SECONDS = 3_600;

const MD5 = /^[0-9a-fA-F]{32}$/;

export const createUploadSchema = z.strictObject({
  bytes: z.number().min(1).int(),
  filename: bounded.name,
  mime_type: bounded.name,
  purpose: filePurposeSchema,
  expires_after: expiresAfterSchema.optional(),
});
export type CreateUpload = z.infer<typeof createUploadSchema>;

export const completeUploadSchema = z.strictObject({
  part_ids: z.array(bounded.identifier).min(1).max(MAX_PARTS),
  md5: z.string().regex(MD5).nullish(),
});
export type CompleteUpload = z.infer<typeof completeUploadSchema>;

export const uploadStatusSchema = z.enum(["pending", "completed", "cancelled", "expired"]);
export type UploadStatus = z.infer<typeof uploadStatusSchema>;

export const uploadSchema = z.object({
  id: z.string(),
  object: z.literal("upload"),
  bytes: z.int(),
  /** Unix seconds. */
  created_at: z.int(),
  expires_at: z.int(),
  filename: z.string(),
  purpose: filePurposeSchema,
  status: uploadStatusSchema,
  file: fileObjectSchema.nullable().exactOptional(),
});
export type Upload = z.infer<typeof uploadSchema>;

export const uploadPartSchema = z.object({
  id: z.string(),
  object: z.literal("upload.part"),
  /** Unix seconds. */
  created_at: z.int(),
  upload_id: z.string(),
});
export type UploadPart = z.infer<typeof uploadPartSchema>;
