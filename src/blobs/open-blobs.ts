/** The blob store that the settings name. */
import type { Config } from "../config/config.ts";
import type { BlobStore } from "./blob-store.ts";
import { FolderBlobs } from "./folder-blobs.ts";

type Settings = Pick<
  Config,
  | "FILES_FOLDER"
  | "KEY_PREFIX"
  | "S3_BUCKET"
  | "S3_PREFIX"
  | "S3_REGION"
  | "S3_ENDPOINT"
  | "S3_PATH_STYLE"
  | "S3_ACCESS_KEY_ID"
  | "S3_SECRET_ACCESS_KEY"
  | "S3_SESSION_TOKEN"
>;

export async function openBlobs(config: Settings): Promise<BlobStore> {
  const { S3_BUCKET: bucket, S3_REGION: region, S3_ENDPOINT: endpoint } = config;
  if (bucket === undefined) return new FolderBlobs(config.FILES_FOLDER);
  // The client is large, and most installations use a folder.
  const { S3Blobs } = await import("./s3-blobs.ts");
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey, S3_SESSION_TOKEN: token } = config;
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined;
  return new S3Blobs({
    bucket,
    prefix: config.S3_PREFIX ?? `${config.KEY_PREFIX}/`,
    region,
    endpoint,
    // AWS has the bucket in the host.
    hasPathStyle: endpoint !== undefined && config.S3_PATH_STYLE,
    credentials: hasKeys
      ? { accessKeyId, secretAccessKey, ...(token !== undefined && { sessionToken: token }) }
      : undefined,
  });
}
