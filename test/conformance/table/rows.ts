/**
 * What the API has, one row each: read out of the zod schemas, so that a value that is added there has no proof until a
 * test names it. A test names its row at the start of its title: `param temperature: …`.
 */
import type { z } from "zod";
import { createRequestSchema } from "../../../src/protocol/create-request.ts";
import { responseStreamEventSchema } from "../../../src/protocol/event.ts";
import { inputItemSchema, outputItemSchema } from "../../../src/protocol/item.ts";
import { responseStatusSchema } from "../../../src/protocol/response.ts";
import { includableSchema } from "../../../src/protocol/settings.ts";
import { toolChoiceSchema, toolSchema } from "../../../src/protocol/tool.ts";
import { ERROR_ROWS } from "../errors/rows.ts";

/** By what a row's name begins with. */
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
} satisfies Record<string, readonly string[]>;

/** What every schema holds about itself, and each kind in part. */
interface Definition {
  type: string;
  options?: z.core.$ZodType[];
  shape?: Record<string, z.core.$ZodType>;
  out?: z.core.$ZodType;
  values?: string[];
  entries?: Record<string, string>;
}

/** The values that `type` may have, or the value itself where it is a word. */
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
