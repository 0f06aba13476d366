/**
 * Reads a multipart form with one file, as a stream: the bytes of the file are read as fast as they are stored, and are
 * never in memory as a whole. Fields may come before and after the file.
 */
import type { IncomingMessage } from "node:http";
import { Busboy, type BusboyFileStream, type BusboyInstance } from "@fastify/busboy";
import {
  fileExpected,
  fileTooLarge,
  formTooLarge,
  malformedMultipart,
  multipartExpected,
  severalFiles,
} from "../../lifecycle/errors/files.ts";
import { unknownParameter } from "../../lifecycle/errors/api-error.ts";
import { requestTimedOut, unreadableBody, unsupportedEncoding } from "../../lifecycle/errors/http.ts";
import { refuseBody } from "../middleware/refuse-body.ts";
import { UploadTimeout, type UploadTimeoutOptions } from "../middleware/upload-timeout.ts";

/** More, and longer ones, than the form of any endpoint has. */
const MAX_FIELDS = 32;
const MAX_FIELD_BYTES = 8 * 1024;
const MAX_NAME_BYTES = 100;
const MAX_HEADERS = 32;
const MAX_HEADER_BYTES = 8 * 1024;
/** What a form with one file has beside its bytes. */
export const FORM_OVERHEAD_BYTES = MAX_FIELDS * (MAX_FIELD_BYTES + MAX_HEADER_BYTES);

export type FormFields = Record<string, string>;

export interface IncomingFile {
  /** As the client sent it: neither is safe or right. */
  name: string;
  declaredType: string;
  stream: BusboyFileStream;
  /** The fields that came before the file. */
  fields: Readonly<FormFields>;
}

export interface FormOptions<T> {
  fileField: "file" | "data";
  maxFileBytes: number;
  /** Stores the bytes. Rejects with the error of the stream if the form is broken or cut off. */
  takeFile: (file: IncomingFile) => Promise<T>;
  timeout?: UploadTimeoutOptions;
}

export interface ReadForm<T> {
  fields: FormFields;
  /** What `takeFile` returned. Undefined if the form has no file. */
  file: T | undefined;
}

/** Throws the contract's error for a body that is no such form. `takeFile` has then ended too. */
export async function readForm<T>(request: IncomingMessage, options: FormOptions<T>): Promise<ReadForm<T>> {
  const reader = new FormReader(request, options);
  using _timeout = new UploadTimeout(request, () => reader.fail(requestTimedOut()), options.timeout);
  return await reader.read();
}

class FormReader<T> {
  readonly #request: IncomingMessage;
  readonly #options: FormOptions<T>;
  readonly #busboy: BusboyInstance;
  readonly #end = Promise.withResolvers<void>();
  readonly #fields: FormFields = Object.create(null) as FormFields;
  #stream: BusboyFileStream | undefined;
  #taken: Promise<T> | undefined;
  #hasFailed = false;

  constructor(request: IncomingMessage, options: FormOptions<T>) {
    this.#request = request;
    this.#options = options;
    this.#busboy = openBusboy(request, options);
  }

  async read(): Promise<ReadForm<T>> {
    const request = this.#request;
    const onCut = (): void => {
      if (!request.complete) this.fail(refuseBody("unreadable", unreadableBody()));
    };
    this.#listen();
    request.on("close", onCut).on("error", onCut).pipe(this.#busboy);
    try {
      await this.#end.promise;
      const file = await this.#taken;
      return { fields: { ...this.#fields }, file };
    } catch (error) {
      // The store stops before the answer is sent.
      await this.#taken?.catch(() => {});
      throw error;
    } finally {
      request.off("close", onCut).off("error", onCut);
    }
  }

  /** Ends the reading. The rest of the body is discarded until the connection closes. */
  fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#end.reject(error);
    this.#request.unpipe(this.#busboy);
    this.#stream?.destroy(error);
    this.#request.on("error", () => {}).resume();
  }

  #listen(): void {
    const fail = (error: Error): void => this.fail(error);
    this.#busboy
      .on("field", (name: string | undefined, value, isNameCut, isValueCut) => {
        if (isNameCut || isValueCut) fail(refuseBody("too_large", formTooLarge()));
        else if (name === undefined) fail(refuseBody("malformed", malformedMultipart()));
        else if (name === this.#options.fileField) fail(fileExpected(name));
        else this.#fields[name] = value;
      })
      .on("file", (name, stream, filename, _encoding, mimeType) => this.#receive(name, stream, filename, mimeType))
      .on("fieldsLimit", () => fail(refuseBody("too_large", formTooLarge())))
      .on("partsLimit", () => fail(refuseBody("too_large", formTooLarge())))
      .on("error", () => fail(refuseBody("malformed", malformedMultipart())))
      .on("finish", () => this.#end.resolve());
  }

  #receive(name: string, stream: BusboyFileStream, filename: string | undefined, declaredType: string): void {
    const { fileField, maxFileBytes, takeFile } = this.#options;
    // Read or not, it fails with the form.
    stream.on("error", () => {});
    if (this.#hasFailed) return void stream.resume();
    if (name !== fileField) return this.fail(unknownParameter(name));
    if (this.#stream !== undefined) return this.fail(severalFiles(fileField));
    this.#stream = stream;
    stream.on("limit", () => this.fail(refuseBody("too_large", fileTooLarge(maxFileBytes, fileField))));
    this.#taken = takeFile({ name: filename ?? "", declaredType, stream, fields: this.#fields });
    // A store that fails does not read the rest.
    this.#taken.catch((error: unknown) => this.fail(error as Error));
  }
}

function openBusboy(request: IncomingMessage, { maxFileBytes }: Pick<FormOptions<unknown>, "maxFileBytes">) {
  const { headers } = request;
  const contentType = headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*(?:;|$)/i.test(contentType)) throw refuseBody("unreadable", multipartExpected());
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") throw refuseBody("unreadable", unsupportedEncoding());
  try {
    return new Busboy({
      headers: { ...headers, "content-type": contentType },
      limits: {
        fieldNameSize: MAX_NAME_BYTES,
        fieldSize: MAX_FIELD_BYTES,
        fields: MAX_FIELDS,
        parts: MAX_FIELDS + 1,
        fileSize: maxFileBytes,
        headerPairs: MAX_HEADERS,
        headerSize: MAX_HEADER_BYTES,
      },
    });
  } catch {
    // It has no boundary.
    throw refuseBody("unreadable", multipartExpected());
  }
}
