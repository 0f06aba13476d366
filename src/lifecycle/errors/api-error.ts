/**
 * An API error has the exact status, code, param and message of the contract (contract.md#error-catalogue). The files
 * of this folder have one constructor for each error that a client can cause or meet; this file has the shared parts.
 */
import type { ErrorEnvelope } from "../../protocol/error.ts";

interface ApiErrorFields {
  status: number;
  message: string;
  type?: string;
  param?: string | null;
  code?: string | null;
  headers?: Record<string, string>;
}

/** Messages quote client input, which may be as long as a body. No sentence of this server is this long. */
const MAX_MESSAGE_LENGTH = 8_000;
const MAX_PARAM_LENGTH = 4_000;

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text);

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(fields: ApiErrorFields) {
    super(cut(fields.message, MAX_MESSAGE_LENGTH));
    this.status = fields.status;
    this.type = fields.type ?? "invalid_request_error";
    this.param = fields.param == null ? null : cut(fields.param, MAX_PARAM_LENGTH);
    this.code = fields.code ?? null;
    this.headers = fields.headers ?? {};
  }

  toEnvelope(): ErrorEnvelope {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

export function badRequest(message: string, param: string | null = null, code: string | null = null): ApiError {
  return new ApiError({ status: 400, message, param, code });
}

/** `suggestion`: the known name that the client may have meant. */
export function unknownParameter(param: string, suggestion?: string): ApiError {
  const hint = suggestion === undefined ? "" : ` Did you mean '${suggestion}'?`;
  return badRequest(`Unknown parameter: '${param}'.${hint}`, param, "unknown_parameter");
}

export function missingParameter(param: string): ApiError {
  return badRequest(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
}
