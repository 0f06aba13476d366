/** What precedes the reading of a file's bytes: limits that need no byte of it. */
import type { Request as HttpRequest, Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import { fileTooLarge, uploadsFull } from "../../lifecycle/errors/files.ts";
import { sendContinue } from "../middleware/expect-continue.ts";
import { FORM_OVERHEAD_BYTES } from "../multipart/read-form.ts";

const RETRY_SECONDS = 5;

export interface UploadLimits {
  maxFileBytes: number;
  /** The field of the form that holds the file. */
  param: "file" | "data";
}

/** Throws if the file is too large, or the project uploads too many at a time. Dispose of the result after the upload. */
export function acquireUpload(
  { uploadLimiter }: Pick<ApiContext, "uploadLimiter">,
  request: HttpRequest,
  response: HttpResponse,
  { maxFileBytes, param }: UploadLimits,
): Disposable {
  if ((announcedLength(request) ?? 0) > maxFileBytes + FORM_OVERHEAD_BYTES) throw fileTooLarge(maxFileBytes, param);
  const release = uploadLimiter.acquire(response.locals.project);
  if (release === undefined) throw uploadsFull(uploadLimiter.bound, RETRY_SECONDS);
  sendContinue(request, response);
  return { [Symbol.dispose]: release };
}

/** The size of the file, or a little more: the form around it is small. Undefined if the client does not say. */
export function announcedBytesOf(request: HttpRequest, maxFileBytes: number): number | undefined {
  const length = announcedLength(request);
  return length === undefined ? undefined : Math.min(length, maxFileBytes);
}

function announcedLength({ headers }: HttpRequest): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}
