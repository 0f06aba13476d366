/** Requests to this server's own API, with the user's key. */
import { setClock } from "./clock.ts";
import { key } from "./key.ts";

const TIMEOUT_MS = 30_000;

/** An answer of the API that is not a success. The message is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string | undefined;
  readonly param: string | undefined;

  constructor(status: number, message: string, code?: string, param?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }

  /** Whether the server lacks the endpoint, or the key may not use it. */
  get isUnavailable(): boolean {
    return this.status === 404 || this.status === 403 || this.status === 401;
  }
}

export interface RequestOptions {
  body?: unknown;
  signal?: AbortSignal;
}

/** `path` is relative to the API, such as `responses?limit=20`. Throws `ApiError`. */
export async function request<T>(method: string, path: string, { body, signal }: RequestOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await send(method, path, {
    body,
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  return await answer.json();
}

/** The answer of a success, with its body still to be read. It may take as long as its signal allows. */
export async function send(method: string, path: string, { body, signal }: RequestOptions = {}): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  if (key.value !== undefined) headers.set("authorization", `Bearer ${key.value}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  const init: RequestInit = { method, headers, signal: signal ?? null, cache: "no-store", redirect: "error" };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answer = await fetch(`v1/${path}`, init);
  setClock(answer.headers.get("date"));
  if (!answer.ok) throw await readError(answer);
  return answer;
}

async function readError(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  const error = errorIn(text);
  const message = error?.message ?? `The server answered ${answer.status} ${answer.statusText}.`;
  return new ApiError(answer.status, message, error?.code ?? undefined, error?.param ?? undefined);
}

interface Envelope {
  error?: { message?: string; code?: string | null; param?: string | null };
}

/** A proxy in between answers with something else. */
function errorIn(text: string): Envelope["error"] {
  try {
    const envelope: Envelope = JSON.parse(text);
    return envelope.error;
  } catch {
    return undefined;
  }
}

/** A query from pairs, without those that have no value. Lists repeat their name. */
export function query(values: Record<string, string | number | readonly string[] | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (Array.isArray(value)) for (const each of value) search.append(`${name}[]`, String(each));
    else if (value !== undefined && value !== "") search.append(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (error instanceof DOMException && error.name === "TimeoutError") return "The server did not answer in time.";
  if (error instanceof TypeError) return "The server cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}
