/** Paged lists (contract.md#lists: `limit` 1..100, default 20; `order` desc by default; `after` an item's id). */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { includableSchema } from "./request-options.ts";

/** Optional fields of a GET: `include[]=a&include[]=b`, or `include=a`. */
export const includeQuerySchema = z.object({ include: z.array(includableSchema).default([]) });

export const listQuerySchema = z.object({
  ...includeQuerySchema.shape,
  limit: z.number().min(1).max(100).int().default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: bounded.identifier.optional(),
});
export type ListQuery = z.infer<typeof listQuerySchema>;

/** The requested page of a list. */
export type PageQuery = Pick<ListQuery, "limit" | "order" | "after">;

/** One page of `item`s. */
export function listSchema<S extends z.ZodType>(item: S) {
  return z.object({
    object: z.literal("list"),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}
export type List<T> = z.infer<ReturnType<typeof listSchema<z.ZodType<T>>>>;

/** Builds a page from `data`; `hasMore` says whether more items follow. */
export function toPage<T extends { id: string }>(data: readonly T[], hasMore: boolean): List<T> {
  return {
    object: "list",
    data: [...data],
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

/** Cuts one page out of `items`, which are in ascending order. Returns undefined for an unknown `after`. */
export function paginate<T extends { id: string }>(items: readonly T[], query: PageQuery): List<T> | undefined {
  const ordered = query.order === "asc" ? items : items.toReversed();
  const start = query.after === undefined ? 0 : ordered.findIndex((item) => item.id === query.after) + 1;
  if (query.after !== undefined && start === 0) return undefined;
  const data = ordered.slice(start, start + query.limit);
  return toPage(data, start + data.length < ordered.length);
}
