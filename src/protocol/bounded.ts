/**
 * How long a string of a request may be, by its class. A schema names the class and no number; what is published of a
 * field (contract.md#parameters) stands in its own schema and wins. docs/limits.md shows the same table.
 *
 * `text` and `data` are what openai 7.59's specification allows for a text and for a file's data; the others are far
 * above what any known client sends. `MAX_BODY_BYTES` bounds all strings of a request together.
 */
import { z } from "zod";

export const MAX_LENGTHS = {
  /** What something is found by: ids, keys, fingerprints. Some providers' ids have hundreds of characters. */
  identifier: 1_024,
  /** What something is called: models, tools, files, places, codes. */
  name: 1_024,
  /** Where something is, what opens it and whom it is for: paths, hosts, URLs of pages, tokens, headers, `user`. */
  address: 65_536,
  /** What something is for, in the words of its author. */
  description: 1_048_576,
  /** What is said, written, called with or answered. */
  text: 10_485_760,
  /** Files and images in base64, as data URLs or not, and what a provider has encrypted. */
  data: 73_400_320,
} as const;
export type LengthClass = keyof typeof MAX_LENGTHS;

export const bounded = {
  identifier: z.string().max(MAX_LENGTHS.identifier),
  name: z.string().max(MAX_LENGTHS.name),
  address: z.string().max(MAX_LENGTHS.address),
  description: z.string().max(MAX_LENGTHS.description),
  text: z.string().max(MAX_LENGTHS.text),
  data: z.string().max(MAX_LENGTHS.data),
} as const satisfies Record<LengthClass, z.ZodString>;
