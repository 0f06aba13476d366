/** An S3-compatible server, for tests of the blob store. Its buckets are in a folder of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listStoredFiles } from "./stored-files.ts";
import S3rver from "@20minutes/s3rver";

export interface S3Server extends AsyncDisposable {
  url: string;
  settings: Record<string, string>;
  /** The last parts of the names of all objects. */
  listKeys: () => Promise<string[]>;
}

export const BUCKET = "files";
/** The server has a file with this ending for each object. */
const OBJECT_SUFFIX = "._S3rver_object";

export async function startS3Server(port = 0): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), "s3-server-"));
  const server = new S3rver({
    port,
    address: "127.0.0.1",
    silent: true,
    directory: folder,
    configureBuckets: [{ name: BUCKET, configs: [] }],
  });
  const address = await server.run();
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    listKeys: async () => {
      const names = await listStoredFiles(folder);
      return names.flatMap((name) => (name.endsWith(OBJECT_SUFFIX) ? [name.slice(0, -OBJECT_SUFFIX.length)] : []));
    },
    settings: {
      S3_BUCKET: BUCKET,
      S3_ENDPOINT: url,
      S3_ACCESS_KEY_ID: "S3RVER",
      S3_SECRET_ACCESS_KEY: "S3RVER",
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
