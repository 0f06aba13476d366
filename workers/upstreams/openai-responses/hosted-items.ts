/**
 * Completes calls of hosted tools. Providers may omit optional fields or send null, but some clients require them: the AI
 * SDK rejects the event, and with it the run.
 */
import type { ItemStatus } from "../../../src/protocol/items/status.ts";
import { asArray, isObject, type Json } from "../http/json.ts";
import { omitFields } from "../../../src/providers/openai-items.ts";

/** Fields that the fold and the published types require. */
const DEFAULTS: Record<string, Json> = {
  web_search_call: { action: { type: "search" } },
  file_search_call: { queries: [] },
  code_interpreter_call: { code: null, container_id: "", outputs: null },
  image_generation_call: { result: null },
  local_shell_call: {},
  mcp_list_tools: { server_label: "", tools: [] },
  mcp_call: { server_label: "", name: "", arguments: "" },
  shell_call: { action: {}, environment: null },
  shell_call_output: { output: [], max_output_length: null },
};

const NO_STATUS: ReadonlySet<string> = new Set(["mcp_list_tools"]);

const NO_RESULT = { attributes: {}, file_id: "", filename: "", score: 0, text: "" };

/** `status` applies to an item without one: `in_progress` when it is added. */
export function fillHostedFields(type: string, item: Json, status: ItemStatus): Json {
  if (!Object.hasOwn(DEFAULTS, type)) return {};
  const fields: Json = { ...DEFAULTS[type], ...(NO_STATUS.has(type) ? {} : { status }), ...omitFields(item) };
  return { ...fields, ...fillInnerFields(type, fields, status) };
}

/** The provider's fields. An `mcp_list_tools` may omit `error`, and one client does not accept null. */
export function keepGivenFields(type: string, item: Json): Json {
  return type === "mcp_list_tools" ? omitFields(item) : item;
}

function fillInnerFields(type: string, fields: Json, status: ItemStatus): Json {
  const action = isObject(fields["action"]) ? fields["action"] : {};
  switch (type) {
    case "file_search_call":
      return Array.isArray(fields["results"])
        ? { results: fields["results"].map((result) => fillDefaults(result, NO_RESULT)) }
        : {};
    case "image_generation_call":
      // Null means an image that does not exist yet; a failed image is an empty string.
      return status === "in_progress" ? {} : { result: fields["result"] ?? "" };
    case "local_shell_call":
      return { action: { type: "exec", command: [], env: {}, ...omitFields(action) } };
    case "mcp_list_tools":
      return { tools: asArray(fields["tools"]).map((tool) => fillDefaults(tool, { name: "", input_schema: {} })) };
    case "shell_call":
      return {
        action: { max_output_length: null, timeout_ms: null, ...action, commands: asArray(action["commands"]) },
      };
    default:
      return {};
  }
}

function fillDefaults(value: unknown, defaults: Json): unknown {
  return isObject(value) ? { ...defaults, ...omitFields(value) } : value;
}
