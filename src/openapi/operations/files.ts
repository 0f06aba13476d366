/** Files. */
import { z } from "zod";
import { parseBody } from "../../http/validation/parse-body.ts";
import { parseFileListQuery } from "../../http/validation/queries.ts";
import { createFileSchema, deletedFileSchema, fileListQuerySchema, fileObjectSchema } from "../../protocol/file.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { type Endpoint, pathParameter, queryParameter } from "../endpoint.ts";
import { FILE_ID } from "../example-ids.ts";
import type { JsonSchema } from "../spec.ts";
import { fileListSchema } from "../wire.ts";

const NOT_FOUND_ERRORS = ["fileNotFound", "storeUnavailable"] as const;

export const file = {
  id: FILE_ID,
  object: "file",
  bytes: 120_000,
  created_at: 1_775_000_000,
  filename: "leases.pdf",
  purpose: "user_data",
  status: "processed",
};
const page = { object: "list", data: [file], first_id: FILE_ID, last_id: FILE_ID, has_more: false };
const fileId = pathParameter("file_id", "File id. Ids of other projects count as unknown.");
const { limit, order, after, purpose } = z.toJSONSchema(fileListQuerySchema).properties as Record<string, JsonSchema>;

/** Bytes in a form. The form's fields are those of the schema. */
export const binarySchema: JsonSchema = { type: "string", contentMediaType: "application/octet-stream" };
const { properties, required } = z.toJSONSchema(createFileSchema) as { properties: object; required: string[] };
const formSchema: JsonSchema = {
  type: "object",
  properties: { file: binarySchema, ...properties },
  required: ["file", ...required],
};

export const fileAnswer = (description: string): Endpoint["answers"] => ({
  200: {
    description,
    content: { "application/json": { schema: fileObjectSchema, examples: { "A file": file } } },
  },
});

export const createFile: Endpoint = {
  id: "createFile",
  tag: "Files",
  summary: "Upload a file",
  description:
    "Stores one file. The fields may come before or after it. `expires_after` is sent as `expires_after[anchor]` and `expires_after[seconds]`. Files with the purpose `batch` expire after 30 days by default, others are kept until they are deleted.",
  body: {
    description: "A form with the file and its purpose.",
    isRequired: true,
    type: "multipart/form-data",
    schema: formSchema,
    examples: { "A document": { file: "(bytes)", purpose: "user_data" } },
  },
  answers: fileAnswer("The file."),
  errors: [
    "adminNeedsProject",
    "fileMissing",
    ...documentErrorsOf((body) => parseBody(createFileSchema, body), {
      "`purpose` is missing.": {},
      "`purpose` is unknown.": { purpose: "fun" },
      "A field is unknown. The message suggests a similar known one.": { purpose: "user_data", expires: "1" },
      "`expires_after[seconds]` is below 3600.": {
        purpose: "user_data",
        expires_after: { anchor: "created_at", seconds: 60 },
      },
      "`expires_after[seconds]` is above 2592000.": {
        purpose: "user_data",
        expires_after: { anchor: "created_at", seconds: 2_592_001 },
      },
      "`expires_after[anchor]` is not `created_at`.": {
        purpose: "user_data",
        expires_after: { anchor: "now", seconds: 3_600 },
      },
    }),
    "fileEmpty",
    "fileTooLarge",
    "uploadsFull",
    "storageFull",
    "filesUnavailable",
    "storeUnavailable",
  ],
};

export const listFiles: Endpoint = {
  id: "listFiles",
  tag: "Files",
  summary: "List the project's files",
  parameters: [
    queryParameter("limit", "Maximum number of files per page.", limit!),
    queryParameter("order", "`desc` lists the newest first.", order!),
    queryParameter("after", "List files after this id. Pass the `last_id` of the previous page.", after!),
    queryParameter("purpose", "List files with this purpose.", purpose!),
  ],
  answers: {
    200: {
      description: "A page of files.",
      content: { "application/json": { schema: fileListSchema, examples: { "One file": page } } },
    },
  },
  errors: [
    ...documentErrorsOf(parseFileListQuery as (value: unknown) => unknown, {
      "`limit` is below 1.": { limit: "0" },
      "`limit` is above 10000.": { limit: "10001" },
      "`order` is neither `asc` nor `desc`.": { order: "up" },
    }),
    "listCursorNotFound",
    "storeUnavailable",
  ],
};

export const retrieveFile: Endpoint = {
  id: "retrieveFile",
  tag: "Files",
  summary: "Get a file",
  parameters: [fileId],
  answers: fileAnswer("The file, without its bytes."),
  errors: NOT_FOUND_ERRORS,
};

const CONTENT_HEADERS = ["etag", "accept-ranges", "content-disposition"] as const;
const content = { "application/octet-stream": { schema: binarySchema } };

export const retrieveFileContent: Endpoint = {
  id: "retrieveFileContent",
  tag: "Files",
  summary: "Get the bytes of a file",
  description:
    "The `Content-Type` is what the bytes are, as far as the server recognizes it. `Range` reads a part, `If-None-Match` compares with `ETag`, and `If-Range` combines the two. `HEAD` returns the headers alone.",
  parameters: [
    fileId,
    {
      name: "Range",
      in: "header",
      description: "One range of bytes, such as `bytes=0-1023`. A request for several ranges returns the whole file.",
      schema: { type: "string" },
    },
    {
      name: "If-None-Match",
      in: "header",
      description: "`ETag` of bytes that the client has.",
      schema: { type: "string" },
    },
  ],
  answers: {
    200: { description: "The bytes.", headers: CONTENT_HEADERS, content },
    206: { description: "The range.", headers: [...CONTENT_HEADERS, "content-range"], content },
    304: { description: "The client has these bytes.", headers: CONTENT_HEADERS },
  },
  errors: [...NOT_FOUND_ERRORS, "rangeNotSatisfiable", "fileBytesLost", "filesUnavailable"],
};

export const deleteFile: Endpoint = {
  id: "deleteFile",
  tag: "Files",
  summary: "Delete a file",
  description: "Deletes the file and its bytes. A second delete returns 404.",
  parameters: [fileId],
  answers: {
    200: {
      description: "The file is deleted.",
      content: {
        "application/json": {
          schema: deletedFileSchema,
          examples: { Deleted: { id: FILE_ID, object: "file", deleted: true } },
        },
      },
    },
  },
  errors: NOT_FOUND_ERRORS,
};
