/** `x-request-id` on every answer, `req_` and 32 hex digits; official clients show it with their errors (contract 03 §3.3). */
import type { RequestHandler } from "express";
import { newId } from "../protocol/id.ts";

export const requestId: RequestHandler = (_request, response, next) => {
  response.setHeader("x-request-id", newId("req", 32));
  next();
};
