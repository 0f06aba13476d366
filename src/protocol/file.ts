/** Files, in the form of openai 7.59.0 (`FileObject`, `FileCreateParams`, `FileListParams`). */
import { z } from "zod";
import { bounded } from "./bounded.ts";

/** Purposes that a client can give to a file. */
export const filePurposeSchema = z.enum(["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]);
export type FilePurpose = z.infer<typeof filePurposeSchema>;

/** `evals` is published for requests alone, and a file keeps the purpose that it was created with. */
const storedPurposeSchema = z.enum([
  ...filePurposeSchema.options,
  "assistants_output",
  "batch_output",
  "fine-tune-results",
]);

const HOUR_SECONDS = 3_600;
const MAX_EXPIRY_SECONDS = 30 * 24 * HOUR_SECONDS;
/** Published: files of this purpose expire by themselves. */
const DEFAULT_EXPIRY_SECONDS: Partial<Record<FilePurpose, number>> = { batch: MAX_EXPIRY_SECONDS };

export const expiresAfterSchema = z.strictObject({
  anchor: z.literal("created_at"),
  seconds: z.number().min(HOUR_SECONDS).max(MAX_EXPIRY_SECONDS).int(),
});
export type ExpiresAfter = z.infer<typeof expiresAfterSchema>;

/** The fields of a multipart body beside the file. */
export const createFileSchema = z.strictObject({
  purpose: filePurposeSchema,
  expires_after: expiresAfterSchema.optional(),
});
export type CreateFile = z.infer<typeof createFileSchema>;

/** Seconds after its creation at which a file expires. Undefined if it does not. */
export function expirySecondsOf({ purpose, expires_after: given }: CreateFile): number | undefined {
  return given?.seconds ?? DEFAULT_EXPIRY_SECONDS[purpose];
}

export const fileObjectSchema = z.object({
  id: z.string(),
  object: z.literal("file"),
  bytes: z.int(),
  /** Unix seconds. */
  created_at: z.int(),
  expires_at: z.int().exactOptional(),
  filename: z.string(),
  purpose: storedPurposeSchema,
  status: z.enum(["uploaded", "processed", "error"]),
  status_details: z.string().exactOptional(),
});
export type FileObject = z.infer<typeof fileObjectSchema>;

export const deletedFileSchema = z.object({
  id: z.string(),
  object: z.literal("file"),
  deleted: z.literal(true),
});

export const MAX_LISTED_FILES = 10_000;

export const fileListQuerySchema = z.object({
  limit: z.number().min(1).max(MAX_LISTED_FILES).int().default(MAX_LISTED_FILES),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: bounded.identifier.optional(),
  purpose: bounded.name.optional(),
});
export type FileListQuery = z.infer<typeof fileListQuerySchema>;
