/**
 * The bytes of a request's body, decompressed. Express's own reader rejects a body only after its last byte, so it never
 * rejects an endless one. This reader rejects at the first byte above the limit.
 */
import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { BodyBytes } from "./body-bytes.ts";
import { refuseBody } from "./refuse-body.ts";
import { payloadTooLarge, unreadableBody, unsupportedEncoding } from "../../lifecycle/errors/http.ts";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  br: createBrotliDecompress,
  deflate: createInflate,
  gzip: createGunzip,
  zstd: createZstdDecompress,
};

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const encoding = (request.headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding !== "identity" && !Object.hasOwn(DECODERS, encoding))
    return Promise.reject(refuseBody("unreadable", unsupportedEncoding()));
  const decoder = DECODERS[encoding]?.();
  return new Promise((resolve, reject) => {
    const bytes = new BodyBytes();
    const settle = (finish: () => void): void => {
      request.off("close", onClose).off("error", onError);
      source.off("data", onData).off("end", onEnd);
      if (decoder !== undefined) {
        request.unpipe(decoder);
        decoder.destroy();
      }
      // Discards the rest of the body, until the connection closes or carries its next request.
      request.on("error", () => {}).resume();
      finish();
    };
    const onData = (chunk: Buffer): void => {
      if (bytes.length + chunk.length > limitBytes)
        settle(() => reject(refuseBody("too_large", payloadTooLarge(limitBytes))));
      else bytes.add(chunk);
    };
    const onEnd = (): void => settle(() => resolve(bytes.toBuffer()));
    const onError = (): void => settle(() => reject(refuseBody("unreadable", unreadableBody())));
    const onClose = (): void => {
      if (!request.complete) onError();
    };
    const source = decoder === undefined ? request : request.pipe(decoder);
    decoder?.on("error", onError);
    request.on("close", onClose).on("error", onError);
    source.on("data", onData).on("end", onEnd);
  });
}
