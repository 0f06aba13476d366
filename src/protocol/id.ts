/** Ids in the hosted API's form: a prefix and hex digits (contract.md#ids: `resp_` + 50 hex). */
const HEX_DIGITS = 50;

/** Prefixes of item ids by type, as in the hosted API where known (contract.md#ids). */
const ITEM_ID_PREFIXES = {
  additional_tools: "at",
  apply_patch_call: "apc",
  apply_patch_call_output: "apco",
  code_interpreter_call: "ci",
  compaction: "cmp",
  compaction_trigger: "cmpt",
  computer_call: "cu",
  computer_call_output: "cuo",
  configuration_update: "cfg",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  file_search_call: "fs",
  function_call: "fc",
  function_call_output: "fco",
  image_generation_call: "ig",
  item_reference: "ref",
  local_shell_call: "lsh",
  local_shell_call_output: "lsho",
  mcp_approval_request: "mcpr",
  mcp_approval_response: "mcpa",
  mcp_call: "mcp",
  mcp_list_tools: "mcpl",
  message: "msg",
  program: "prog",
  program_output: "progo",
  reasoning: "rs",
  shell_call: "sh",
  shell_call_output: "sho",
  tool_search_call: "tsc",
  tool_search_output: "tso",
  web_search_call: "ws",
} as const;

export type IdPrefix =
  | "conv"
  | "resp"
  | "call"
  | "req"
  | "item"
  | "rs_own"
  | "proj"
  | "svc_acct"
  | "key"
  | "alert"
  | "whe"
  | "whe_test"
  | "file"
  | "upload"
  | "part"
  | (typeof ITEM_ID_PREFIXES)[keyof typeof ITEM_ID_PREFIXES];

/** Random bytes are drawn a page at a time, because a system call per id is expensive at thousands per second. */
const pool = new Uint8Array(4096);
let used = pool.length;

export function newId(prefix: IdPrefix, digits = HEX_DIGITS): string {
  const count = Math.ceil(digits / 2);
  if (used + count > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + count);
  used += count;
  return `${prefix}_${Buffer.from(bytes).toString("hex").slice(0, digits)}`;
}

/** Creates an id for an item of any type. */
export function newItemId(type: string): string {
  return newId(itemIdPrefix(type));
}

const CALL_ID_DIGITS = 24;

/** Creates an id for a call that this server names itself, because providers may repeat theirs. */
export function newCallId(): string {
  return newId("call", CALL_ID_DIGITS);
}

/** Replaces a reasoning item's own id, which its provider knows and its client (Codex) did not send back. */
const UNNAMED_REASONING_ID_START = "rs_own";

/** Creates an id for an item that a client sent without one. */
export function createIdForUnnamed(type: string): string {
  return type === "reasoning" ? newId(UNNAMED_REASONING_ID_START) : newItemId(type);
}

/** A provider rejects its encrypted content under a foreign id but accepts it without an id. */
export function isUnnamedReasoning(id: string): boolean {
  return id.startsWith(`${UNNAMED_REASONING_ID_START}_`);
}

/** Unknown types get `item`. */
export function itemIdPrefix(type: string): IdPrefix {
  const known = Object.hasOwn(ITEM_ID_PREFIXES, type) ? (type as keyof typeof ITEM_ID_PREFIXES) : undefined;
  return known === undefined ? "item" : ITEM_ID_PREFIXES[known];
}

/** Ids arrive in URLs and become parts of Redis keys, so only these characters are accepted. */
const RESPONSE_ID = /^resp_[A-Za-z0-9_-]{1,128}$/;

export function isResponseId(id: string): boolean {
  return RESPONSE_ID.test(id);
}

const CONTAINER_ID = /^cntr_[A-Za-z0-9_-]{1,128}$/;

export function isContainerId(id: string): boolean {
  return CONTAINER_ID.test(id);
}

/** The id of a response's container, the same in every attempt. */
export function containerIdFor(responseId: string): string {
  return `cntr_${responseId.slice(responseId.indexOf("_") + 1)}`;
}

const CONVERSATION_ID = /^conv_[A-Za-z0-9_-]{1,128}$/;

export function isConversationId(id: string): boolean {
  return CONVERSATION_ID.test(id);
}

const WEBHOOK_ENDPOINT_ID = /^whe_[A-Za-z0-9_-]{1,128}$/;

export function isWebhookEndpointId(id: string): boolean {
  return WEBHOOK_ENDPOINT_ID.test(id);
}

const FILE_ID = /^file-[A-Za-z0-9_-]{1,128}$/;
const FILE_ID_DIGITS = 32;

/** The published ids of files have a hyphen. */
export function newFileId(): string {
  return newId("file", FILE_ID_DIGITS).replace("_", "-");
}

const OWN_FILE_ID = /^file-[0-9a-f]{32}$/;

/** Whether this server can have made the id. A provider's own ids have another form. */
export function isOwnFileId(id: string): boolean {
  return OWN_FILE_ID.test(id);
}

export function isFileId(id: string): boolean {
  return FILE_ID.test(id);
}

const UPLOAD_ID = /^upload_[A-Za-z0-9_-]{1,128}$/;

export function isUploadId(id: string): boolean {
  return UPLOAD_ID.test(id);
}
