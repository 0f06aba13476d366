/**
 * Some gateways report an error with status 200, in a JSON body where a stream was requested. A stream reader would find
 * no event and report a broken stream. This gives such a response the status that its error means.
 */
import { asString, isObject, parseJson, type Json } from "./json.ts";

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

/** Undefined unless the body is an error and nothing else: a failed response also has an `error` field. */
function findErrorStatus(body: string): number | undefined {
  const error = extractError(parseJson(body));
  if (error === undefined) return undefined;
  const code = Number(error["code"]);
  if (Number.isInteger(code) && code >= 400 && code < 600) return code;
  const kinds = [asString(error["code"]) ?? "", asString(error["type"]) ?? ""];
  if (kinds.some((kind) => /^rate_limit|^insufficient_quota$/.test(kind))) return TOO_MANY_REQUESTS;
  return kinds.includes("invalid_request_error") ? BAD_REQUEST : SERVER_ERROR;
}

/** The error object, if `answer` is an error and nothing else. */
export function extractError(answer: unknown): Json | undefined {
  if (!isObject(answer)) return undefined;
  const { object, error } = answer;
  // vLLM sends the error without a wrapper (https://github.com/vllm-project/vllm/issues/12886).
  if (object === "error") return answer;
  if (object !== undefined) return undefined;
  if (isObject(error)) return error;
  return asString(error)?.trim() ? { message: error } : undefined;
}
