/**
 * A message of a server as the SDK takes it. The SDK drops a message for one field that is not what it should be, and then
 * waits until the call's time limit for the answer that it has dropped; and some of these fields nobody here reads. Sources:
 * `error: null` beside a result and results without an object (JSON-RPC 1.0), codes that are words, ids as text
 * (https://github.com/modelcontextprotocol/python-sdk/pull/1720), and greetings without a version
 * (https://github.com/asciimoo/hister/issues/363).
 */
import { DEFAULT_NEGOTIATED_PROTOCOL_VERSION, ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { isRecord } from "./is-record.ts";

type Fields = Record<string, unknown>;

/** `requestId` is of the request that this is the answer to, where the transport has one for each. */
export function normalizeMessage(message: unknown, requestId?: number): unknown {
  if (!isRecord(message)) return message;
  if (typeof message["method"] === "string") return { ...message, jsonrpc: "2.0" };
  const id = normalizeId(message["id"]) ?? requestId;
  if (message["error"] != null) return { jsonrpc: "2.0", id, error: normalizeError(message["error"]) };
  if (!("result" in message)) return message;
  return { jsonrpc: "2.0", id, result: normalizeResult(message["result"]) };
}

function normalizeId(id: unknown): unknown {
  return typeof id === "string" && /^\d{1,15}$/.test(id) ? Number(id) : id;
}

function normalizeError(error: unknown): Fields {
  const { code, message } = isRecord(error) ? error : { code: undefined, message: error };
  const number = typeof code === "string" && code.trim() !== "" ? Number(code) : code;
  const isCode = Number.isInteger(number);
  const said = typeof message === "string" && message !== "" ? message : JSON.stringify(error);
  return {
    code: isCode ? number : ErrorCode.InternalError,
    message: isCode || code == null ? said : `${said} (${typeof code === "string" ? code : JSON.stringify(code)})`,
  };
}

function normalizeResult(result: unknown): Fields {
  if (result === null || result === undefined) return {};
  // The whole answer of a tool, as in the protocol's first revision.
  if (!isRecord(result)) return { toolResult: result };
  const { _meta, ...rest } = result;
  const isGreeting = "protocolVersion" in rest || "serverInfo" in rest || "capabilities" in rest;
  return isGreeting ? normalizeInitializeResult(rest) : rest;
}

/** Nothing of it is used but the version, which the client holds to be its own or refuses. */
function normalizeInitializeResult({ protocolVersion }: Fields): Fields {
  return {
    protocolVersion: typeof protocolVersion === "string" ? protocolVersion : DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
    capabilities: { tools: {} },
    serverInfo: { name: "server", version: "0" },
  };
}
