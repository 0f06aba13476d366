/** `POST /files`: stores a file while it arrives, then records it (contract.md#files). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { BlobHold } from "../../../files/blob-hold.ts";
import { recognizeType } from "../../../files/content-type.ts";
import { toSafeFileName } from "../../../files/file-name.ts";
import { describeFile, recordFile } from "../../../files/files.ts";
import { receiveBlob } from "../../../files/receive-blob.ts";
import { fileEmpty, fileMissing } from "../../../lifecycle/errors/files.ts";
import { createFileSchema, expirySecondsOf } from "../../../protocol/file.ts";
import { newFileId } from "../../../protocol/id.ts";
import { type FormFields, readForm } from "../../multipart/read-form.ts";
import { acquireUpload, announcedBytesOf } from "../../resources/acquire-upload.ts";
import { toBody } from "../../validation/form-fields.ts";
import { parseBody } from "../../validation/parse-body.ts";

const FIELD = "file";

export function createFile(context: ApiContext): RequestHandler {
  const { config, limits, storage } = context;
  const maxFileBytes = config.MAX_FILE_BYTES;
  return async (request, response) => {
    const { project } = response.locals;
    using _upload = acquireUpload(context, request, response, { maxFileBytes, param: FIELD });
    const id = newFileId();
    await using hold = await BlobHold.begin(context, {
      blob: { project, key: id },
      announcedBytes: announcedBytesOf(request, maxFileBytes),
      defaultLimit: limits.maxStoredBytesPerProject,
    });
    const { fields, file } = await readForm(request, {
      fileField: FIELD,
      maxFileBytes,
      takeFile: async ({ name, stream, fields: before }) => {
        // A wrong field is rejected before the bytes arrive, if it came first.
        if (before["purpose"] !== undefined) parseFields(before);
        return { name: toSafeFileName(name), ...(await receiveBlob(context, id, stream, hold)) };
      },
    });
    const wanted = parseFields(fields);
    if (file === undefined) throw fileMissing(FIELD);
    const { name: filename, bytes, sha256, sample } = file;
    if (bytes === 0) throw fileEmpty(FIELD);
    const createdAtMs = storage.clock.nowMs();
    const expirySeconds = expirySecondsOf(wanted);
    const stored = {
      id,
      project,
      filename,
      purpose: wanted.purpose,
      bytes,
      createdAtMs,
      expiresAtMs: expirySeconds === undefined ? undefined : createdAtMs + expirySeconds * 1_000,
      contentType: await recognizeType(sample, filename),
      sha256,
      blobs: [{ key: id, bytes }],
    };
    await recordFile(context, hold, stored);
    response.json(describeFile(stored));
  };
}

function parseFields(fields: Readonly<FormFields>) {
  return parseBody(createFileSchema, toBody(fields));
}
