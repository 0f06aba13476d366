/**
 * Uploads and downloads of a file of 300 MB, in MB/s, and the memory that an upload adds to the API process. The limit is a
 * server that only streams the body to a file on the same disk, flushes it, and streams it back.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { BareFileQuestion, BareFileReply } from "./children/bare-file.ts";
import { besideGiven, compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, startApi } from "./processes.ts";

const BYTES = 300_000_000;
const CHUNK = randomBytes(250_000);
const TURNS = 5;
const MIN_RATIO = 0.7;
const MAX_GROWTH_MB = 100;
const MB = 1e6;
const HEAD = Buffer.from(
  '--edge\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n' +
    '--edge\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n',
);
const TAIL = Buffer.from("\r\n--edge--\r\n");
const FORM = { "content-type": "multipart/form-data; boundary=edge" };

export async function measureFiles(bench: Bench): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "bench-files-"));
  try {
    await using bare = new Child<BareFileQuestion, BareFileReply>(new URL("children/bare-file.ts", import.meta.url));
    const more = { FILES_FOLDER: join(folder, "files"), MAX_STORED_BYTES_PER_PROJECT: "0" };
    await using api = await startApi(bench, "files", more);
    const bareUrl = `http://127.0.0.1:${(await bare.ask({ folder })).port}/`;
    const url = `http://127.0.0.1:${api.port}/v1/files`;
    const before = await memoryMbOf(api.pid);
    let id = "";
    const uploads = await takeTurns(
      TURNS,
      async () => await time(async () => await upload(bareUrl)),
      async () => {
        if (id !== "") await fetch(`${url}/${id}`, { method: "DELETE" });
        return await time(async () => (id = (await upload(url)).id ?? ""));
      },
    );
    const grown = (await memoryMbOf(api.pid)) - before;
    const downloads = await takeTurns(
      TURNS,
      async () => await time(async () => await download(bareUrl)),
      async () => await time(async () => await download(`${url}/${id}/content`)),
    );
    const target = { kind: "ratio-at-least", value: MIN_RATIO } as const;
    const shared = { unit: "MB/s", limitName: "a bare stream to disk", of: (ms: number) => BYTES / MB / (ms / 1_000) };
    return [
      compare({ ...shared, name: "upload of 300 MB", turns: uploads, target }),
      compare({
        ...shared,
        name: "download of 300 MB",
        limitName: "a bare stream from disk",
        turns: downloads,
        target,
      }),
      besideGiven(
        "most memory that uploads of 300 MB add",
        "MB",
        [grown],
        { name: "the file", value: BYTES / MB },
        {
          kind: "at-most",
          value: MAX_GROWTH_MB,
        },
      ),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function time(act: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}

/** As fast as the server reads. */
async function upload(url: string): Promise<{ id?: string }> {
  const headers = { ...FORM, "content-length": HEAD.length + BYTES + TAIL.length };
  const request = httpRequest(url, { method: "POST", headers });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request.on("error", reject).on("response", (response) => void text(response).then(resolve, reject));
  request.write(HEAD);
  for (let sent = 0; sent < BYTES; sent += CHUNK.length) {
    if (!request.write(CHUNK)) await new Promise((drained) => request.once("drain", drained));
  }
  request.end(TAIL);
  return JSON.parse(await promise) as { id?: string };
}

async function download(url: string): Promise<void> {
  let bytes = 0;
  for await (const chunk of (await fetch(url)).body!) bytes += chunk.length;
  if (bytes < BYTES) throw new Error(`${bytes} bytes arrived.`);
}

/** The most memory that the process has had. */
async function memoryMbOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024) / MB;
}
