import { flag, httpUrl, integer, optionalText, text } from "../setting.ts";

export const fileSettings = {
  FILES_FOLDER: text(
    "Folder for the bytes of files. All API processes and workers use the same one. Not used with `S3_BUCKET`.",
    ".data/files",
  ),
  S3_BUCKET: optionalText("Bucket of an S3-compatible service for the bytes of files, in place of `FILES_FOLDER`."),
  S3_ENDPOINT: httpUrl("Address of the S3-compatible service. If empty, AWS in `S3_REGION`."),
  S3_REGION: text("Region of the bucket.", "us-east-1"),
  S3_PATH_STYLE: flag(
    "Requests to `S3_ENDPOINT` with the bucket in the path. Without it, the bucket is in the host.",
    true,
  ),
  S3_PREFIX: optionalText("Beginning of the names of all objects in the bucket. If empty, `KEY_PREFIX` and a slash."),
  S3_ACCESS_KEY_ID: optionalText(
    "Id of the key for the bucket. If empty, the credentials are those of AWS's environment variables, files, or the machine's role.",
  ),
  S3_SECRET_ACCESS_KEY: optionalText("Secret of the key for the bucket."),
  S3_SESSION_TOKEN: optionalText("Token of temporary credentials, beside `S3_ACCESS_KEY_ID`."),
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
