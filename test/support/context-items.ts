/** One of each kind of item that a request may contain. */
import fc from "fast-check";
import type { ContextItem } from "../../src/context-window/measure.ts";
import { inputItemSchema } from "../../src/protocol/item.ts";
import { valuesOf } from "./schema-values.ts";

/** The generator ignores lengths, so values that are too short are dropped. */
const KINDS = fc
  .sample(valuesOf(inputItemSchema), { numRuns: 2_000, seed: 6 })
  .flatMap((value) => inputItemSchema.safeParse(value).data ?? []);

export const SAMPLES: ContextItem[] = [...new Map(KINDS.map((item) => [item.type, item])).values()];
