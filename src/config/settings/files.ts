import { integer, text } from "../setting.ts";

export const fileSettings = {
  FILES_FOLDER: text("Folder for the bytes of files. All API processes and workers use the same one.", ".data/files"),
  MAX_FILE_BYTES: integer("Maximum size of a file that one request uploads. Larger ones get 413.", {
    default: 512 * 1024 ** 2,
    min: 1,
    unit: "bytes",
  }),
  MAX_UPLOAD_BYTES: integer("Maximum size of a file that is uploaded in parts, with `/v1/uploads`.", {
    default: 8 * 1024 ** 3,
    min: 1,
    unit: "bytes",
  }),
  MAX_INPUT_FILE_BYTES: integer(
    "Maximum size of all files that the input of a response names by id or by URL. A response with more fails.",
    { default: 50 * 1024 ** 2, min: 1, unit: "bytes" },
  ),
  MAX_UPLOADS_PER_PROJECT: integer(
    "Maximum files that one API process receives at a time for one project (0 = unlimited). Excess requests get 429.",
    { default: 100 },
  ),
};
