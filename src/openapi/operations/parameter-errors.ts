/** Errors of parameters that several endpoints share, by cause, for `documentErrorsOf`. */
import { parseInclude, parseListQuery } from "../../http/validation/queries.ts";
import { encryptedContentUnverified, referencesTooLarge, secretInItem } from "../../lifecycle/errors/requests.ts";
import { fileNotFoundIn, inputFilesTooLarge, tooManyInputFiles } from "../../lifecycle/errors/files.ts";
import { itemNotFound } from "../../lifecycle/errors/state.ts";
import type { Endpoint } from "../endpoint.ts";
import { FILE_ID } from "../example-ids.ts";
import { DEFAULT_BODY_BYTES } from "../documented-http-errors.ts";
import { documentErrorsOf, type DocumentedError, DOCUMENTED_ERRORS } from "../documented-errors.ts";

type Wrap<T> = (part: T) => object;
type InvalidExamples = Record<string, object>;

const tools = (tool: object): object[] => [{ type: "additional_tools", role: "developer", tools: [tool] }];
const call = { type: "function_call", call_id: "call_1", name: "weather", arguments: "{}" };
const fileSearch = { type: "file_search", vector_store_ids: [] };

export function invalidItems(wrap: Wrap<object[]>): InvalidExamples {
  return {
    "An item's `type` is missing.": wrap([{}]),
    "An item's `type` is unknown.": wrap([{ type: "bogus" }]),
    "An item's `id` is empty.": wrap([{ role: "user", content: "Hello", id: "" }]),
    "A value in an item has the wrong type.": wrap([{ role: "user", content: 1 }]),
    "A string in an item is too long.": wrap([{ ...call, call_id: "x".repeat(65) }]),
    "A string in an item is too short.": wrap([{ ...call, call_id: "" }]),
    "An integer in an item is too small.": wrap(tools({ ...fileSearch, max_num_results: 0 })),
    "An integer in an item is too large.": wrap(tools({ ...fileSearch, max_num_results: 51 })),
    "A number in an item is too small.": wrap(tools({ ...fileSearch, ranking_options: { score_threshold: -1 } })),
    "A number in an item is too large.": wrap(tools({ ...fileSearch, ranking_options: { score_threshold: 2 } })),
  };
}

const unverifiedItem: DocumentedError = {
  ...DOCUMENTED_ERRORS.encryptedContentUnverified,
  error: encryptedContentUnverified("rs_1", "items"),
};

const secretInStoredItem: DocumentedError = {
  ...DOCUMENTED_ERRORS.secretInItem,
  error: secretInItem("items[0].tools[0].authorization"),
};

/** Errors of items added to a conversation, in addition to `invalidItems`. */
export const addedItemErrors = [
  unverifiedItem,
  secretInStoredItem,
  { ...DOCUMENTED_ERRORS.itemNotFound, error: itemNotFound("msg_1", "items") },
  { ...DOCUMENTED_ERRORS.referencesTooLarge, error: referencesTooLarge(DEFAULT_BODY_BYTES, "items") },
  { ...DOCUMENTED_ERRORS.fileNotFoundIn, error: fileNotFoundIn(FILE_ID, "items[0].content[1].file_id") },
  { ...DOCUMENTED_ERRORS.tooManyInputFiles, error: tooManyInputFiles(200, "items") },
  { ...DOCUMENTED_ERRORS.inputFilesTooLarge, error: inputFilesTooLarge(80_000_000, 50 * 1024 ** 2, "items") },
  "itemExists",
  "triggerNotKept",
] as const satisfies Endpoint["errors"];

export function invalidMetadata(wrap: Wrap<{ metadata: unknown }>): InvalidExamples {
  const pairs = Array.from({ length: 17 }, (_, i) => [`key_${i}`, "value"]);
  return {
    "`metadata` is not an object.": wrap({ metadata: "red" }),
    "`metadata` has more than 16 pairs.": wrap({ metadata: Object.fromEntries(pairs) }),
    "A key of `metadata` is `__proto__`.": wrap({ metadata: JSON.parse('{"__proto__":"value"}') as unknown }),
    "A key of `metadata` is longer than 64 characters.": wrap({ metadata: { ["k".repeat(65)]: "value" } }),
    "A value of `metadata` is longer than 512 characters.": wrap({ metadata: { color: "x".repeat(513) } }),
  };
}

const invalidIncludes = {
  "`include` has an unknown value.": { include: ["bogus"] },
  "`include` is not a list.": { include: { a: "bogus" } },
};
export const includeErrors = documentErrorsOf(
  (query) => parseInclude(query as Record<string, string>),
  invalidIncludes,
);

export const listErrors = documentErrorsOf((query) => parseListQuery(query as Record<string, string>), {
  ...invalidIncludes,
  "`limit` is not an integer.": { limit: "x" },
  "`limit` is below 1.": { limit: "0" },
  "`limit` is above 100.": { limit: "101" },
  "`order` is neither `asc` nor `desc`.": { order: "up" },
  "`after` is given twice.": { after: ["msg_1", "msg_2"] },
});
