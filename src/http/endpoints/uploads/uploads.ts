/** `POST /uploads`, `/uploads/:id/complete` and `/uploads/:id/cancel` (contract.md#uploads). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { toSafeFileName } from "../../../files/file-name.ts";
import { cancelUpload as cancel, completeUpload as complete, describeUpload } from "../../../files/uploads.ts";
import { uploadTooLarge } from "../../../lifecycle/errors/files.ts";
import { storageFull } from "../../../lifecycle/errors/limits.ts";
import { expirySecondsOf } from "../../../protocol/file.ts";
import { newId } from "../../../protocol/id.ts";
import { completeUploadSchema, createUploadSchema, UPLOAD_LIFETIME_SECONDS } from "../../../protocol/upload.ts";
import { loadOwnedUpload } from "../../resources/load-owned-upload.ts";
import { parseBody } from "../../validation/parse-body.ts";

const ID_DIGITS = 32;

/** The declared type is not needed: the server looks at the bytes. */
export function createUpload({ config, limits, storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const wanted = parseBody(createUploadSchema, request.body);
    const { bytes, filename, purpose } = wanted;
    if (bytes > config.MAX_UPLOAD_BYTES) throw uploadTooLarge(config.MAX_UPLOAD_BYTES);
    const createdAtMs = storage.clock.nowMs();
    const upload = {
      id: newId("upload", ID_DIGITS),
      project: response.locals.project,
      bytes,
      filename: toSafeFileName(filename),
      purpose,
      createdAtMs,
      expiresAtMs: createdAtMs + UPLOAD_LIFETIME_SECONDS * 1_000,
      fileExpirySeconds: expirySecondsOf(wanted),
    };
    const { isCreated, storedBytes, limit } = await storage.uploads.create(upload, limits.maxStoredBytesPerProject);
    if (!isCreated) throw storageFull(limit, storedBytes, bytes);
    response.json(describeUpload({ ...upload, status: "pending", partBytes: 0, fileId: "", partIds: [] }));
  };
}

export function completeUpload(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const wanted = parseBody(completeUploadSchema, request.body);
    const upload = await loadOwnedUpload(context, request, response.locals.project);
    response.json(await complete(context, upload, wanted));
  };
}

export function cancelUpload(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const upload = await loadOwnedUpload(context, request, response.locals.project);
    response.json(await cancel(context, upload));
  };
}
