/**
 * The time that an upload may take. Node's timeout for a request would cut off a large file on a slow connection, so an
 * upload has a rule of its own: it must bring a minimum of bytes in every window of time.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const WINDOW_MS = 60_000;
/** About 1 KiB a second: slower than any connection that would ever finish. */
const MIN_WINDOW_BYTES = 64 * 1024;

/** The numbers of uploads that are arriving, by connection. */
const uploading = new WeakMap<Duplex, number>();

export function hasOwnTimeout(socket: Duplex): boolean {
  return (uploading.get(socket) ?? 0) > 0;
}

export interface UploadTimeoutOptions {
  windowMs?: number;
  minBytes?: number;
}

/**
 * Watches the upload until it is disposed of. Calls `onTimeout` if the client sends too little. Time in which the server
 * does not read does not count.
 */
export class UploadTimeout implements Disposable {
  readonly #request: IncomingMessage;
  readonly #timer: NodeJS.Timeout;

  constructor(
    request: IncomingMessage,
    onTimeout: () => void,
    { windowMs = WINDOW_MS, minBytes = MIN_WINDOW_BYTES }: UploadTimeoutOptions = {},
  ) {
    const { socket } = request;
    this.#request = request;
    uploading.set(socket, (uploading.get(socket) ?? 0) + 1);
    let bytesBefore = socket.bytesRead;
    this.#timer = setInterval(() => {
      const isWaitingForClient = !request.complete && request.readableFlowing === true;
      if (isWaitingForClient && socket.bytesRead - bytesBefore < minBytes) onTimeout();
      bytesBefore = socket.bytesRead;
    }, windowMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    const { socket } = this.#request;
    uploading.set(socket, uploading.get(socket)! - 1);
  }
}
