/** Requests that Node would reject in a form of its own. */
import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { expectationFailed, missingHost, severalHosts } from "../../lifecycle/errors/http.ts";

export const rejectMalformedRequests: RequestHandler = (request, _response, next) => {
  const { httpVersion, headers } = request;
  if (headers.host === undefined && httpVersion === "1.1") throw missingHost();
  if (countHosts(request) > 1) throw severalHosts();
  if (headers.expect !== undefined && !/^100-continue$/i.test(headers.expect)) throw expectationFailed();
  next();
};

/** Counts in the raw headers: `headers` contains only the first. */
function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === "host") count += 1;
  return count;
}
