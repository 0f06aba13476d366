import type { ResponseErrorCode } from "../../src/protocol/response.ts";

/** A file of the input cannot be given to the model. The run ends with this error, which is for the client. */
export class InputFileError extends Error {
  override readonly name = "InputFileError";
  readonly code: ResponseErrorCode;

  constructor(code: ResponseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A file of the input cannot be read now, and may be readable later. */
export class FilesUnavailableError extends Error {
  override readonly name = "FilesUnavailableError";
  constructor(cause: unknown) {
    super("The files of the input cannot be read at the moment.", { cause });
  }
}
