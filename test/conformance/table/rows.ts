/**
 * The parts of the API, one row each, read from the zod schemas and the description, so that an added value or endpoint
 * has no proof until a test names it. A test names its row at the start of its title: `param temperature: …`.
 */
import type { z } from "zod";
import { createRequestSchema } from "../../../src/protocol/create-request.ts";
import { responseStreamEventSchema } from "../../../src/protocol/event.ts";
import { inputItemSchema, outputItemSchema } from "../../../src/protocol/item.ts";
import { responseStatusSchema } from "../../../src/protocol/response.ts";
import { includableSchema } from "../../../src/protocol/request-options.ts";
import { toolChoiceSchema, toolSchema } from "../../../src/protocol/tool.ts";
import { ENDPOINT_ROWS } from "../endpoints/rows.ts";
import { ERROR_ROWS } from "../errors/rows.ts";

/** By the prefix of a row's name. */
export const ROWS = {
  param: Object.keys(createRequestSchema.shape),
  "input item": kindsOf(inputItemSchema),
  "output item": kindsOf(outputItemSchema),
  tool: kindsOf(toolSchema),
  tool_choice: kindsOf(toolChoiceSchema),
  include: includableSchema.options,
  status: responseStatusSchema.options,
  event: kindsOf(responseStreamEventSchema),
  error: ERROR_ROWS,
  endpoint: ENDPOINT_ROWS.map(({ name }) => name),
} satisfies Record<string, readonly string[]>;

/** The common fields of every schema, and some of each kind. */
interface Definition {
  type: string;
  options?: z.core.$ZodType[];
  shape?: Record<string, z.core.$ZodType>;
  out?: z.core.$ZodType;
  values?: string[];
  entries?: Record<string, string>;
}

/** The allowed values of `type`, or the value itself if it is a string. */
function kindsOf(schema: z.core.$ZodType): string[] {
  const def: Definition = schema._zod.def;
  switch (def.type) {
    case "union":
      return [...new Set(def.options!.flatMap(kindsOf))];
    case "object":
      return kindsOf(def.shape!["type"]!);
    case "pipe":
      return kindsOf(def.out!);
    case "literal":
      return def.values!;
    case "enum":
      return Object.values(def.entries!);
    default:
      throw new Error(`A ${def.type} has no kinds.`);
  }
}
