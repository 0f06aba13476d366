/**
 * Every row of the contract's error table (contract.md#error-catalogue) and this server's answer: the exact error, or
 * its alternative where it departs from the hosted API. The rows run against `server.ts`.
 */
import { CHOICE_ROWS } from "./choice-rows.ts";
import { REQUEST_ROWS } from "./request-rows.ts";
import { STATE_ROWS } from "./state-rows.ts";
import type { ErrorServer, Wire } from "./server.ts";

/** Status 400 and type `invalid_request_error` by default; param and code are null unless named. */
export interface Rejection {
  ask: (server: ErrorServer) => Promise<Wire>;
  message: string | RegExp;
  status?: number;
  type?: string;
  param?: string;
  code?: string;
  headers?: Record<string, string | RegExp>;
}

/** Where this server accepts a request that the hosted API rejects, or returns more. */
export interface Choice {
  ask: (server: ErrorServer) => Promise<Wire>;
  status: number;
  body: object;
}

export const REJECTIONS: Record<string, Rejection> = { ...REQUEST_ROWS, ...STATE_ROWS };
export const CHOICES: Record<string, Choice> = CHOICE_ROWS;
export const ERROR_ROWS = [...Object.keys(REJECTIONS), ...Object.keys(CHOICES)];
