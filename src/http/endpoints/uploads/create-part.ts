/** `POST /uploads/:id/parts`: stores a part while it arrives, then adds it to the upload (contract.md#uploads). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { BlobHold } from "../../../files/blob-hold.ts";
import { receiveBlob } from "../../../files/receive-blob.ts";
import { fileEmpty, fileMissing, filesUnavailable, partsFull, uploadEnded } from "../../../lifecycle/errors/files.ts";
import { newId } from "../../../protocol/id.ts";
import { MAX_PART_BYTES, MAX_PARTS, type UploadPart } from "../../../protocol/upload.ts";
import { UploadRecords } from "../../../store/files/upload-records.ts";
import { readForm } from "../../multipart/read-form.ts";
import { acquireUpload } from "../../resources/acquire-upload.ts";
import { loadOwnedUpload } from "../../resources/load-owned-upload.ts";
import { rejectUnknownFields } from "../../validation/form-fields.ts";

const FIELD = "data";
const ID_DIGITS = 32;
const RETRY_SECONDS = 2;

export function createUploadPart(context: ApiContext): RequestHandler {
  const { storage, limits } = context;
  return async (request, response) => {
    const { project } = response.locals;
    const upload = await loadOwnedUpload(context, request, project);
    if (upload.status !== "pending") throw uploadEnded(upload.status);
    const maxBytes = UploadRecords.maxPartBytes(upload);
    if (upload.partBytes >= maxBytes) throw partsFull(MAX_PARTS, maxBytes);
    using _upload = acquireUpload(context, request, response, { maxFileBytes: MAX_PART_BYTES, param: FIELD });
    const id = newId("part", ID_DIGITS);
    await using hold = await BlobHold.begin(context, {
      blob: { project, key: id },
      announcedBytes: undefined,
      counts: false,
      defaultLimit: limits.maxStoredBytesPerProject,
    });
    const { fields, file } = await readForm(request, {
      fileField: FIELD,
      maxFileBytes: MAX_PART_BYTES,
      takeFile: async ({ stream }) => await receiveBlob(context, id, stream, hold),
    });
    rejectUnknownFields(fields);
    if (file === undefined) throw fileMissing(FIELD);
    if (file.bytes === 0) throw fileEmpty(FIELD);
    const { bytes, sha256 } = file;
    const outcome = await storage.uploads.addPart(upload, id, { bytes, sha256 });
    if (outcome === "lost") {
      hold.markLost();
      throw filesUnavailable(false, RETRY_SECONDS);
    }
    if (outcome === "full") throw partsFull(MAX_PARTS, maxBytes);
    if (outcome === "ended") throw uploadEnded(await readStatus());
    hold.markRecorded();
    const created_at = Math.floor(storage.clock.nowMs() / 1000);
    response.json({ id, object: "upload.part", created_at, upload_id: upload.id } satisfies UploadPart);

    async function readStatus(): Promise<string> {
      return (await storage.uploads.read(project, upload.id, storage.clock.nowMs()))?.status ?? "expired";
    }
  };
}
