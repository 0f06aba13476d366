/** Web search, and search in a provider's vector stores. Source: openai 7.59.0 `WebSearchTool`, `FileSearchTool`. */
import { z } from "zod";
import { bounded } from "../bounded.ts";

const locationFields = {
  city: bounded.name.nullable().exactOptional(),
  country: bounded.name.nullable().exactOptional(),
  region: bounded.name.nullable().exactOptional(),
  timezone: bounded.name.nullable().exactOptional(),
};

const contextSizeSchema = z.enum(["low", "medium", "high"]);
const contentTypesSchema = z.array(z.enum(["text", "image"]));

export const webSearchToolSchema = z.strictObject({
  type: z.enum(["web_search", "web_search_2025_08_26"]),
  /** False excludes the live web. Codex sends it by default. */
  external_web_access: z.boolean().exactOptional(),
  /** Not in the published type; Codex sends it: fetch a page only if the search index has it. */
  indexed_web_access: z.boolean().exactOptional(),
  /** Codex's older name for it. */
  index_gated_web_access: z.boolean().exactOptional(),
  filters: z
    .strictObject({
      allowed_domains: z.array(bounded.address).nullable().exactOptional(),
      /** Not in the published type; `@ai-sdk/openai` sends it. */
      blocked_domains: z.array(bounded.address).nullable().exactOptional(),
    })
    .nullable()
    .exactOptional(),
  /** Not in the published type; `@openai/agents` sends it with `search_content_types`. */
  image_settings: z
    .strictObject({ caption: z.boolean().exactOptional(), max_results: z.int().min(1).exactOptional() })
    .exactOptional(),
  /** Published only for the preview of this tool; Codex and `@openai/agents` send it here. */
  search_content_types: contentTypesSchema.exactOptional(),
  search_context_size: contextSizeSchema.exactOptional(),
  user_location: z
    .strictObject({ type: z.literal("approximate").exactOptional(), ...locationFields })
    .nullable()
    .exactOptional(),
});

export const webSearchPreviewToolSchema = z.strictObject({
  type: z.enum(["web_search_preview", "web_search_preview_2025_03_11"]),
  search_content_types: contentTypesSchema.exactOptional(),
  search_context_size: contextSizeSchema.exactOptional(),
  user_location: z
    .strictObject({ type: z.literal("approximate"), ...locationFields })
    .nullable()
    .exactOptional(),
});

const comparisonFilterSchema = z.strictObject({
  type: z.enum(["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]),
  key: bounded.name,
  value: z.union([bounded.address, z.number(), z.boolean(), z.array(z.union([bounded.address, z.number()]))]),
});

/** The published type leaves the contents of a compound filter open. */
const compoundFilterSchema = z.strictObject({ type: z.enum(["and", "or"]), filters: z.array(z.unknown()) });

/** Limits from the published descriptions of `max_num_results` and `score_threshold`. */
export const fileSearchToolSchema = z.strictObject({
  type: z.literal("file_search"),
  vector_store_ids: z.array(bounded.identifier),
  filters: z.discriminatedUnion("type", [comparisonFilterSchema, compoundFilterSchema]).nullable().exactOptional(),
  max_num_results: z.int().min(1).max(50).exactOptional(),
  ranking_options: z
    .strictObject({
      hybrid_search: z.strictObject({ embedding_weight: z.number(), text_weight: z.number() }).exactOptional(),
      ranker: z.enum(["auto", "default-2024-11-15"]).exactOptional(),
      score_threshold: z.number().min(0).max(1).exactOptional(),
    })
    .exactOptional(),
});
