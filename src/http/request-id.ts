/** `x-request-id` on every answer, `req_` and 32 hex digits; official clients show it with their errors (contract 03 §3.3). */
import type { RequestHandler } from "express";
import type { Options } from "pino-http";
import { newId } from "../protocol/id.ts";

export const requestId: RequestHandler = (_request, response, next) => {
  response.setHeader("x-request-id", newId("req", 32));
  next();
};

/** One line a request, with what finds it again and nothing that a client sent besides: no headers, no body. */
export const requestLog: Options = {
  genReqId: (_request, response) => String(response.getHeader("x-request-id")),
  quietReqLogger: true,
  serializers: {
    req: ({ id, method, url }: { id: unknown; method: string; url: string }) => ({ id, method, url }),
    res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
  },
};
