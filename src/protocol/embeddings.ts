/** `POST /embeddings`. Source: openai 7.59.0 `EmbeddingCreateParams`, `CreateEmbeddingResponse`. */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import type { CreateRequest } from "./create-request.ts";

/** From the published description of `input`. */
const MAX_INPUTS = 2_048;
const MAX_TOKENS = 8_192;

const textSchema = bounded.text.min(1);
const tokensSchema = z.array(z.int().min(0)).min(1).max(MAX_TOKENS);

export const embeddingsRequestSchema = z.strictObject({
  input: z.union([
    textSchema,
    z.array(textSchema).min(1).max(MAX_INPUTS),
    tokensSchema,
    z.array(tokensSchema).min(1).max(MAX_INPUTS),
  ]),
  model: bounded.name,
  dimensions: z.int().min(1).nullish(),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  user: bounded.address.nullish(),
});
export type EmbeddingsRequest = z.infer<typeof embeddingsRequestSchema> & Pick<CreateRequest, "extra_parameters">;

export const embeddingsSchema = z.object({
  object: z.literal("list"),
  data: z.array(
    z.object({
      object: z.literal("embedding"),
      /** Position of the input. */
      index: z.int(),
      /** Numbers, or little-endian 32-bit floats in base64. */
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  /** As in the request. */
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});
