/**
 * Maximum lengths of a request's strings, by class. A schema names the class instead of a number; a field's published
 * limit (contract.md#parameters) is in its own schema and wins. docs/limits.md has the same table. `text` and `data`
 * are the limits that openai 7.59's specification sets for text and file data; the others are far above what any known
 * client sends. `MAX_BODY_BYTES` limits all strings of a request together.
 */
import { z } from "zod";

export const MAX_LENGTHS = {
  /** Lookup keys: ids, keys, fingerprints. Some providers' ids have hundreds of characters. */
  identifier: 1_024,
  /** Names of models, tools, files, locations and codes. */
  name: 1_024,
  /** Addresses and credentials: paths, hosts, URLs, tokens, headers, `user`. */
  address: 65_536,
  /** A description of something's purpose. */
  description: 1_048_576,
  /** Prose, code, arguments and outputs. */
  text: 10_485_760,
  /** Files and images in base64, as data URLs or plain, and a provider's encrypted content. */
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
