/** The body of `POST /embeddings`. */
import { type EmbeddingsRequest, embeddingsRequestSchema } from "../../protocol/embeddings.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";
import { extraParameterNames } from "../../providers/extra-parameters.ts";
import { isWide } from "../middleware/json-body.ts";
import { extractExtraParameters } from "./extra-parameters.ts";
import { parseBodyInSlices, toFields } from "./parse-body.ts";
import type { UnknownParameters } from "./unknown-parameters.ts";

export async function parseEmbeddingsRequest(
  body: unknown,
  catalog: ProviderCatalog,
  unknown: UnknownParameters,
): Promise<EmbeddingsRequest> {
  const fields = toFields(body);
  const { rest, parameters } = extractExtraParameters(fields, extraParameterNames(catalog, fields["model"]));
  return { ...(await parseBodyInSlices(embeddingsRequestSchema, rest, unknown, isWide(body))), ...parameters };
}
