/** Uploads in parts. */
import { rejectUnknownFields } from "../../http/validation/form-fields.ts";
import { parseBody } from "../../http/validation/parse-body.ts";
import { fileEmpty, fileMissing, fileTooLarge } from "../../lifecycle/errors/files.ts";
import {
  completeUploadSchema,
  createUploadSchema,
  MAX_PART_BYTES,
  uploadPartSchema,
  uploadSchema,
} from "../../protocol/upload.ts";
import { DOCUMENTED_ERRORS, documentErrorsOf } from "../documented-errors.ts";
import { type Endpoint, pathParameter } from "../endpoint.ts";
import { PART_ID, UPLOAD_ID } from "../example-ids.ts";
import { binarySchema, file } from "./files.ts";

const NOT_FOUND_ERRORS = ["uploadNotFound", "storeUnavailable"] as const;

const uploadId = pathParameter("upload_id", "Upload id. Ids of other projects count as unknown.");
const wanted = { bytes: 120_000, filename: "leases.pdf", mime_type: "application/pdf", purpose: "user_data" };
const upload = {
  id: UPLOAD_ID,
  object: "upload",
  bytes: 120_000,
  created_at: 1_775_000_000,
  expires_at: 1_775_003_600,
  filename: "leases.pdf",
  purpose: "user_data",
  status: "pending",
};
const answers = (description: string, example: object): Endpoint["answers"] => ({
  200: { description, content: { "application/json": { schema: uploadSchema, examples: { "An upload": example } } } },
});

export const createUpload: Endpoint = {
  id: "createUpload",
  tag: "Files",
  summary: "Begin an upload in parts",
  description:
    "For files above `MAX_FILE_BYTES`, or over connections that break: up to `MAX_UPLOAD_BYTES` in parts of up to 64 MiB, within an hour.",
  body: {
    description: "What the file will be.",
    isRequired: true,
    schema: createUploadSchema,
    examples: { "A document": wanted },
  },
  answers: answers("The upload. It takes parts.", upload),
  errors: [
    "adminNeedsProject",
    ...documentErrorsOf((body) => parseBody(createUploadSchema, body), {
      "`bytes` is missing.": { ...wanted, bytes: undefined },
      "`bytes` is below 1.": { ...wanted, bytes: 0 },
      "`purpose` is unknown.": { ...wanted, purpose: "fun" },
      "`bytes` is not a number.": { ...wanted, bytes: "1" },
      "A parameter is unknown. The message suggests a similar known one.": { ...wanted, file_name: "a" },
      "`filename` has more than 1024 characters.": { ...wanted, filename: "a".repeat(1_025) },
      "`expires_after.seconds` is above 2592000.": {
        ...wanted,
        expires_after: { anchor: "created_at", seconds: 2_592_001 },
      },
    }),
    "uploadTooLarge",
    "storageFull",
    "storeUnavailable",
  ],
};

export const createUploadPart: Endpoint = {
  id: "createUploadPart",
  tag: "Files",
  summary: "Add a part to an upload",
  description: "Several parts can be sent at a time. Completing the upload decides their order.",
  parameters: [uploadId],
  body: {
    description: "A form with the bytes.",
    isRequired: true,
    type: "multipart/form-data",
    schema: { type: "object", properties: { data: binarySchema }, required: ["data"] },
    examples: { "A part": { data: "(bytes)" } },
  },
  answers: {
    200: {
      description: "The part.",
      content: {
        "application/json": {
          schema: uploadPartSchema,
          examples: {
            "A part": { id: PART_ID, object: "upload.part", created_at: 1_775_000_001, upload_id: UPLOAD_ID },
          },
        },
      },
    },
  },
  errors: [
    ...NOT_FOUND_ERRORS,
    ...documentErrorsOf((fields) => rejectUnknownFields(fields as Record<string, string>), {
      "The form has another field.": { purpose: "user_data" },
    }),
    "uploadEnded",
    "partsFull",
    { ...DOCUMENTED_ERRORS.fileMissing, error: fileMissing("data") },
    { ...DOCUMENTED_ERRORS.fileEmpty, error: fileEmpty("data") },
    { when: "The part exceeds 64 MiB.", error: fileTooLarge(MAX_PART_BYTES, "data") },
    "uploadsFull",
    "filesUnavailable",
  ],
};

export const completeUpload: Endpoint = {
  id: "completeUpload",
  tag: "Files",
  summary: "Complete an upload",
  description:
    "Makes a file of the parts, in the given order. Their bytes must be as many as the upload was created for. Parts that are not named are deleted. A repeated request with the same parts returns the same file.",
  parameters: [uploadId],
  body: {
    description: "The parts in order, and optionally the checksum of all bytes.",
    isRequired: true,
    schema: completeUploadSchema,
    examples: { "One part": { part_ids: [PART_ID] } },
  },
  answers: answers("The upload with its file.", { ...upload, status: "completed", file }),
  errors: [
    ...NOT_FOUND_ERRORS,
    ...documentErrorsOf((body) => parseBody(completeUploadSchema, body), {
      "`part_ids` is missing.": {},
      "`part_ids` is empty.": { part_ids: [] },
      "`part_ids` has more than 1024 ids.": { part_ids: Array.from({ length: 1_025 }, () => PART_ID) },
      "`md5` is not 32 hex digits.": { part_ids: [PART_ID], md5: "abc" },
    }),
    "uploadEnded",
    "partNotFound",
    "partRepeated",
    "partsIncomplete",
    "checksumWrong",
    "filesUnavailable",
  ],
};

export const cancelUpload: Endpoint = {
  id: "cancelUpload",
  tag: "Files",
  summary: "Cancel an upload",
  description: "Deletes its parts. A repeated request returns the same upload.",
  parameters: [uploadId],
  answers: answers("The upload. It takes no more parts.", { ...upload, status: "cancelled" }),
  errors: [...NOT_FOUND_ERRORS, "uploadEnded"],
};
