/**
 * Corrects a server's message for the SDK. The SDK drops a message for one invalid field, even one that nothing here
 * reads, and then waits for the answer until the call times out. Known cases: `error: null` beside a result and results
 * that are not objects (JSON-RPC 1.0), codes that are words, ids that are strings
 * (https://github.com/modelcontextprotocol/python-sdk/pull/1720), and initialize results without a version
 * (https://github.com/asciimoo/hister/issues/363).
 */
import { DEFAULT_NEGOTIATED_PROTOCOL_VERSION, ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { isRecord } from "./is-record.ts";

type Fields = Record<string, unknown>;

/** `requestId` is the id of the answered request, if the transport knows it. */
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
  const text = typeof message === "string" && message !== "" ? message : JSON.stringify(error);
  return {
    code: isCode ? number : ErrorCode.InternalError,
    message: isCode || code == null ? text : `${text} (${typeof code === "string" ? code : JSON.stringify(code)})`,
  };
}

function normalizeResult(result: unknown): Fields {
  if (result === null || result === undefined) return {};
  // A tool's whole answer in the protocol's first revision.
  if (!isRecord(result)) return { toolResult: result };
  const { _meta, ...rest } = result;
  const isInitialize = "protocolVersion" in rest || "serverInfo" in rest || "capabilities" in rest;
  return isInitialize ? normalizeInitializeResult(rest) : rest;
}

/** The client uses only the version: it accepts it, or rejects the connection. */
function normalizeInitializeResult({ protocolVersion }: Fields): Fields {
  return {
    protocolVersion: typeof protocolVersion === "string" ? protocolVersion : DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
    capabilities: { tools: {} },
    serverInfo: { name: "server", version: "0" },
  };
}
