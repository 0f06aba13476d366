/** Admits a request's response, and sets the headers that its answer carries in each mode. */
import type { Request as HttpRequest, Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import type { AdmittedResponse } from "../../responses/admission/accept-response.ts";
import type { AdmissionRequest } from "../../responses/admission/admission.ts";
import { readRequestRate, setRateLimitHeaders } from "../middleware/rate-limit.ts";

export function readIdempotencyKey(request: HttpRequest): string | undefined {
  return request.get("idempotency-key") || undefined;
}

export async function admitRequest(
  context: ApiContext,
  response: HttpResponse,
  request: Pick<AdmissionRequest, "request" | "idempotencyKey" | "purpose">,
): Promise<AdmittedResponse> {
  const { project, rate } = response.locals;
  const admitted = await context.admission.admit({ ...request, project, ...(rate && { rate }) });
  response.locals.responseId = admitted.id;
  if (admitted.isReplay) {
    response.set("idempotent-replayed", "true");
    await readRequestRate(context, response);
  }
  setRateLimitHeaders(response);
  return admitted;
}
