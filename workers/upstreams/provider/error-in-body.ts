/**
 * Some gateways refuse with status 200 and say so in the body alone, where a stream was to be: its readers would find no
 * event in it and call the stream broken. Such an answer gets the status that it means.
 */
import { asString, isObject, type Json } from "./json.ts";

type Fetch = typeof globalThis.fetch;

const OK = 200;
const BAD_REQUEST = 400;
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

export function withErrorStatus(send: Fetch): Fetch {
  return async (url, init) => {
    const response = await send(url, init);
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    if (response.status !== OK || !isJson) return response;
    const body = await response.text();
    const { statusText, headers } = response;
    const status = findErrorStatus(body) ?? OK;
    return new Response(body, { status, statusText, headers });
  };
}

/** Undefined if the body is anything but an error: a response that failed has one too, beside what else it says. */
function findErrorStatus(body: string): number | undefined {
  const parsed = parse(body);
  const error = extractError(parsed);
  if (error === undefined) return undefined;
  const code = Number(error["code"]);
  if (Number.isInteger(code) && code >= 400 && code < 600) return code;
  const kinds = [asString(error["code"]) ?? "", asString(error["type"]) ?? ""];
  if (kinds.some((kind) => /^rate_limit|^insufficient_quota$/.test(kind))) return TOO_MANY_REQUESTS;
  return kinds.includes("invalid_request_error") ? BAD_REQUEST : SERVER_ERROR;
}

/** The error that `answer` is, if it is nothing else. */
export function extractError(answer: unknown): Json | undefined {
  if (!isObject(answer)) return undefined;
  const { object, error } = answer;
  // vLLM's form (https://github.com/vllm-project/vllm/issues/12886).
  if (object === "error") return answer;
  if (object !== undefined) return undefined;
  if (isObject(error)) return error;
  return asString(error)?.trim() ? { message: error } : undefined;
}

function parse(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}
