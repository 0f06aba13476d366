/** Parameters that several endpoints have. */
import { z } from "zod";
import { listQuerySchema } from "../../protocol/list.ts";
import { includableSchema } from "../../protocol/request-options.ts";
import { pathParameter, queryParameter } from "../endpoint.ts";
import { schemaRef } from "../schemas.ts";
import type { JsonSchema, Parameter } from "../spec.ts";

export const responseId = pathParameter("response_id", "Response id. Ids of other projects count as unknown.");
export const conversationId = pathParameter(
  "conversation_id",
  "Conversation id. Ids of other projects count as unknown.",
);
export const itemId = pathParameter("item_id", "Item id.");

export const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "For 24 hours, requests with the same key and body return the same response. Deleting the response releases the key.",
  schema: { type: "string" },
};

export const includeParameter = queryParameter(
  "include",
  "Additional data to include in items. Repeat the parameter for several values: `include=a&include=b` or `include[]=a&include[]=b`.",
  { type: "array", items: schemaRef(includableSchema) },
);

/** The types after parsing: in a URL, every value is text. */
const { limit, order, after } = z.toJSONSchema(listQuerySchema).properties as Record<string, JsonSchema>;

export const listParameters: Parameter[] = [
  includeParameter,
  queryParameter("limit", "Maximum number of items per page.", limit!),
  queryParameter("order", "`desc` lists the newest first.", order!),
  queryParameter("after", "List items after this id. Pass the `last_id` of the previous page.", after!),
];

export const flagSchema: JsonSchema = { type: "boolean", default: false };
