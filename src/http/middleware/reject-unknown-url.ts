/** A path or method that no route serves. */
import type { RequestHandler } from "express";
import { invalidUrl } from "../../lifecycle/errors/http.ts";

export const rejectUnknownUrl: RequestHandler = (request) => {
  throw invalidUrl(request.method, request.path);
};
