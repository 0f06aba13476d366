/** `GET /responses`: an extension of this server. Its parameters and its entries. */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { listQuerySchema, listSchema } from "./list.ts";
import { metadataSchema } from "./request-options.ts";
import {
  incompleteDetailsSchema,
  responseErrorSchema,
  responseSchema,
  responseStatusSchema,
  usageSchema,
} from "./response.ts";
import { runSchema } from "./run.ts";

const { limit, order, after } = listQuerySchema.shape;
/** Unix seconds. */
const seconds = z.int().min(0);

/** Filters that every list of dated objects with metadata has. */
export const datedListQuerySchema = z.object({
  limit,
  order,
  after,
  /** Lists the entries in front of this one. */
  before: bounded.identifier.optional(),
  /** Created in this second or later. */
  created_after: seconds.optional(),
  /** Created before this second. */
  created_before: seconds.optional(),
  metadata: metadataSchema.optional(),
});
export type DatedListQuery = z.infer<typeof datedListQuerySchema>;

export const responseListQuerySchema = datedListQuerySchema.extend({
  /** Any of these. */
  status: z.array(responseStatusSchema).optional(),
  model: bounded.name.optional(),
  background: z.boolean().optional(),
  step: z.literal("waiting_for_approval").optional(),
  include: z.array(z.enum(["output", "run"])).optional(),
  /** For admins: the id of a project, or `*` for all. */
  project: bounded.name.optional(),
});
export type ResponseListQuery = z.infer<typeof responseListQuerySchema>;

const completed = responseSchema.options.find((option) => option.shape.status.value === "completed")!;

/**
 * A response as GET shows it; without `output` unless `include` names it. One object for all statuses, because the
 * union of GET describes which fields belong together.
 */
export const listedResponseSchema = completed.extend({
  status: responseStatusSchema,
  completed_at: z.int().nullable(),
  error: responseErrorSchema.nullable(),
  incomplete_details: incompleteDetailsSchema.nullable(),
  usage: usageSchema.nullable(),
  output: completed.shape.output.exactOptional(),
  run: runSchema.exactOptional(),
});
export const responseListSchema = listSchema(listedResponseSchema);
