/**
 * Every row of the contract's table of errors (contract.md#error-catalogue), and what this server answers to it: the exact refusal, or what
 * it does instead where it departs from the hosted API. `server.ts` is what the rows are asked of.
 */
import { CHOICE_ROWS } from "./choice-rows.ts";
import { REQUEST_ROWS } from "./request-rows.ts";
import { STATE_ROWS } from "./state-rows.ts";
import type { ErrorServer, Wire } from "./server.ts";

/** Status 400 and type `invalid_request_error` unless it says otherwise; param and code null unless named. */
export interface Refusal {
  ask: (server: ErrorServer) => Promise<Wire>;
  message: string | RegExp;
  status?: number;
  type?: string;
  param?: string;
  code?: string;
  headers?: Record<string, string | RegExp>;
}

/** Where this server accepts what the hosted one refuses, or says what it does not say. */
export interface Choice {
  ask: (server: ErrorServer) => Promise<Wire>;
  status: number;
  body: object;
}

export const REFUSALS: Record<string, Refusal> = { ...REQUEST_ROWS, ...STATE_ROWS };
export const CHOICES: Record<string, Choice> = CHOICE_ROWS;
export const ERROR_ROWS = [...Object.keys(REFUSALS), ...Object.keys(CHOICES)];
