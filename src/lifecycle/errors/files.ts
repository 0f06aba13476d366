/** Errors about files and their bytes. */
import { ApiError, badRequest, missingParameter } from "./api-error.ts";

/** The hosted API's own message, for every id that is not one of the project's files. */
export function fileNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `No such File object: ${id}`, param: "id" });
}

export function multipartExpected(): ApiError {
  return new ApiError({
    status: 415,
    message: "The request body is not a form with a file. Send Content-Type: multipart/form-data with a boundary.",
    code: "unsupported_media_type",
  });
}

export function malformedMultipart(): ApiError {
  return badRequest("We could not parse the multipart form of your request.", null, "invalid_multipart_form_data");
}

export function fileMissing(param: "file" | "data"): ApiError {
  return missingParameter(param);
}

/** A part of the form has the name of the file, and no file name. */
export function fileExpected(param: string): ApiError {
  return badRequest(`Invalid type for '${param}': expected a file, but got a string instead.`, param, "invalid_type");
}

export function severalFiles(param: string): ApiError {
  return badRequest(`Invalid '${param}': expected one file, but got several.`, param, "invalid_value");
}

/** The hosted API's own message. */
export function fileEmpty(param: "file" | "data"): ApiError {
  return badRequest("File is empty.", param, "invalid_value");
}

/** The server does not read the rest of the body. */
export function fileTooLarge(limitBytes: number, param: "file" | "data"): ApiError {
  return new ApiError({
    status: 413,
    message: `The file is too large. At most ${limitBytes} bytes are accepted.`,
    param,
    code: "file_too_large",
  });
}

/** More fields, or longer ones, than the form of any endpoint has. */
export function formTooLarge(): ApiError {
  return new ApiError({
    status: 413,
    message: "The form has too many fields, or one that is too long.",
    code: "request_too_large",
  });
}

export function uploadsFull(bound: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${bound} files that are being uploaded. Please retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** RFC 9110, 15.5.17. */
export function rangeNotSatisfiable(bytes: number): ApiError {
  return new ApiError({
    status: 416,
    message: `The requested range is not in the file, which has ${bytes} bytes.`,
    code: "range_not_satisfiable",
    headers: { "content-range": `bytes */${bytes}` },
  });
}

/** The store of files has no space, does not answer, or took too long. */
export function filesUnavailable(isFull: boolean, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 503,
    message: isFull
      ? "The server's store of files is full at the moment. Please retry."
      : "The server's store of files is not reachable at the moment. Please retry.",
    type: "server_error",
    code: "service_unavailable",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The record of a file exists, and its bytes do not: somebody has removed them from the store. */
export function fileBytesLost(id: string): ApiError {
  return new ApiError({
    status: 500,
    message: `The bytes of file '${id}' are missing in the server's store of files.`,
    type: "server_error",
    code: "file_bytes_missing",
    headers: { "x-should-retry": "false" },
  });
}

export function uploadNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `No such Upload object: ${id}`, param: "id" });
}

export function uploadEnded(status: string): ApiError {
  const message = `The upload is '${status}'. Only a pending upload takes parts, and can be completed or cancelled.`;
  return badRequest(message, null, "upload_not_pending");
}

export function uploadTooLarge(limitBytes: number): ApiError {
  const message = `Invalid 'bytes': integer above maximum value. Expected a value <= ${limitBytes}.`;
  return badRequest(message, "bytes", "integer_above_max_value");
}

/** The parts of an upload have more bytes than clients send again after lost answers, or are too many. */
export function partsFull(maxParts: number, maxBytes: number): ApiError {
  const message = `The upload cannot take this part: it has at most ${maxParts} parts and ${maxBytes} bytes in them. Use parts of up to 64 MB.`;
  return badRequest(message, "data", "upload_full");
}

export function partNotFound(partId: string, index: number): ApiError {
  const param = `part_ids[${index}]`;
  return badRequest(`Invalid '${param}': the upload has no part with id '${partId}'.`, param, "invalid_value");
}

export function partRepeated(partId: string, index: number): ApiError {
  const param = `part_ids[${index}]`;
  return badRequest(`Invalid '${param}': the part '${partId}' is named twice.`, param, "invalid_value");
}

export function partsIncomplete(partBytes: number, uploadBytes: number): ApiError {
  const message = `The parts have ${partBytes} bytes, but the upload was created for ${uploadBytes} bytes.`;
  return badRequest(message, "part_ids", "upload_size_mismatch");
}

export function checksumWrong(actual: string): ApiError {
  return badRequest(`Invalid 'md5': the bytes have the checksum '${actual}'.`, "md5", "checksum_mismatch");
}

/** An item names a file that the project does not have. `param`: the path of its id. */
export function fileNotFoundIn(id: string, param: string): ApiError {
  return new ApiError({ status: 404, message: `No such File object: ${id}`, param });
}

export function tooManyInputFiles(maxFiles: number, param: "input" | "items"): ApiError {
  return badRequest(`Invalid '${param}': at most ${maxFiles} files can be named.`, param, "too_many_files");
}

export function inputFilesTooLarge(bytes: number, maxBytes: number, param: "input" | "items"): ApiError {
  const message = `Invalid '${param}': the files that it names have ${bytes} bytes. At most ${maxBytes} are accepted.`;
  return badRequest(message, param, "input_files_too_large");
}
