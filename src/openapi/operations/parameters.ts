/** Parameters that several endpoints have. */
import { z } from "zod";
import { listQuerySchema } from "../../protocol/list.ts";
import { includableSchema } from "../../protocol/settings.ts";
import { pathParameter, queryParameter } from "../endpoint.ts";
import { refTo } from "../schemas.ts";
import type { JsonSchema, Parameter } from "../spec.ts";

export const responseId = pathParameter("response_id", "The response's id. Another project's is an unknown one.");
export const conversationId = pathParameter(
  "conversation_id",
  "The conversation's id. Another project's is an unknown one.",
);
export const itemId = pathParameter("item_id", "The item's id.");

export const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description: "For 24 hours, the same key with the same body gives the same answer. Free again once it is deleted.",
  schema: { type: "string" },
};

export const includeParameter = queryParameter(
  "include",
  "What items show besides, repeated for each: `include=a&include=b`, or `include[]=a&include[]=b`.",
  { type: "array", items: refTo(includableSchema) },
);

/** As it is understood, with its bounds and defaults: in the URL all of it is text. */
const { limit, order, after } = z.toJSONSchema(listQuerySchema).properties as Record<string, JsonSchema>;

export const listParameters: Parameter[] = [
  includeParameter,
  queryParameter("limit", "How many items to answer.", limit!),
  queryParameter("order", "`desc`: the newest first.", order!),
  queryParameter("after", "Only items behind the one with this id: the `last_id` of the page before.", after!),
];

export const flagSchema: JsonSchema = { type: "boolean", default: false };
