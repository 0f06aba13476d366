/** The errors of files, each with an example from its own constructor. */
import * as files from "../lifecycle/errors/files.ts";
import { FILE_ID, PART_ID, UPLOAD_ID } from "./example-ids.ts";

export const DEFAULT_FILE_BYTES = 512 * 1024 * 1024;

export const FILE_ERRORS = {
  fileNotFound: {
    when: "The file does not exist: the id is unknown or another project's, or the file was deleted or has expired.",
    error: files.fileNotFound(FILE_ID),
  },
  multipartExpected: {
    when: "The body is not `multipart/form-data` with a boundary.",
    error: files.multipartExpected(),
  },
  malformedMultipart: {
    when: "The form is malformed, or ends too early.",
    error: files.malformedMultipart(),
  },
  fileMissing: { when: "The form has no file.", error: files.fileMissing("file") },
  fileExpected: { when: "The field of the file is a text.", error: files.fileExpected("file") },
  severalFiles: { when: "The form has more than one file.", error: files.severalFiles("file") },
  fileEmpty: { when: "The file has no bytes.", error: files.fileEmpty("file") },
  fileTooLarge: {
    when: "The file exceeds `MAX_FILE_BYTES`.",
    error: files.fileTooLarge(DEFAULT_FILE_BYTES, "file"),
  },
  formTooLarge: {
    when: "The form has more than 32 fields, or one above 8 KiB.",
    error: files.formTooLarge(),
  },
  uploadsFull: {
    when: "The project uploads `MAX_UPLOADS_PER_PROJECT` files at the same time to this process.",
    error: files.uploadsFull(100, 5),
  },
  uploadNotFound: {
    when: "The upload does not exist: the id is unknown or another project's, or the upload ended more than a day ago.",
    error: files.uploadNotFound(UPLOAD_ID),
  },
  uploadEnded: {
    when: "The upload is completed, cancelled or expired.",
    error: files.uploadEnded("cancelled"),
  },
  uploadTooLarge: {
    when: "`bytes` exceeds `MAX_UPLOAD_BYTES`.",
    error: files.uploadTooLarge(8 * 1024 ** 3),
  },
  partsFull: {
    when: "The upload has 1,024 parts, or its parts have twice the bytes of the upload.",
    error: files.partsFull(1_024, 2_000),
  },
  partNotFound: { when: "The upload has no such part.", error: files.partNotFound(PART_ID, 0) },
  partRepeated: { when: "A part is named twice.", error: files.partRepeated(PART_ID, 1) },
  partsIncomplete: {
    when: "The parts do not have the bytes that the upload was created for.",
    error: files.partsIncomplete(900, 1_000),
  },
  checksumWrong: {
    when: "`md5` is not the checksum of the bytes.",
    error: files.checksumWrong("d41d8cd98f00b204e9800998ecf8427e"),
  },
  fileNotFoundIn: {
    when: "An item names a file that does not exist in this project.",
    error: files.fileNotFoundIn(FILE_ID, "input[0].content[1].file_id"),
  },
  tooManyInputFiles: {
    when: "The items name more than 200 files.",
    error: files.tooManyInputFiles(200, "input"),
  },
  inputFilesTooLarge: {
    when: "The files that the items name exceed `MAX_INPUT_FILE_BYTES` together.",
    error: files.inputFilesTooLarge(80_000_000, 50 * 1024 ** 2, "input"),
  },
  rangeNotSatisfiable: {
    when: "The range is beyond the end of the file.",
    error: files.rangeNotSatisfiable(1_000),
  },
  filesUnavailable: {
    when: "The store of files does not answer, or has no space.",
    error: files.filesUnavailable(false, 2),
  },
  fileBytesLost: {
    when: "The store of files has lost the bytes of the file.",
    error: files.fileBytesLost(FILE_ID),
  },
};
