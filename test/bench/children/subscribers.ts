/**
 * Many cheap subscribers in one process: they search the bytes for the beginnings of frames and for the end of the
 * answer, and parse nothing.
 */
import { connect, type Socket } from "node:net";
import { nowMs } from "../measurement.ts";
import { answerQuestions } from "./answer.ts";

export type SubscribersQuestion =
  /** Adds subscribers. Answered once each has its head and a first chunk. */
  | { kind: "open"; port: number; path: string; count: number }
  /** Answered once each has its complete answer; then none is left. */
  | { kind: "read-to-the-end" }
  | { kind: "close" };

export interface ReceivedReply {
  frames: number;
  bytes: number;
  endedAtMs: number;
}

const FRAME = Buffer.from("\nid: ");
const OK = "HTTP/1.1 200 ";
const FIRST_CHUNK = Buffer.from("\r\n\r\n");
const LAST_CHUNK = "\r\n0\r\n\r\n";

class Subscriber {
  frames = 0;
  bytes = 0;
  readonly begun: Promise<void>;
  readonly ended: Promise<void>;
  readonly socket: Socket;
  #tail = Buffer.alloc(0);

  constructor(port: number, path: string) {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.begun = begun.promise;
    this.ended = ended.promise;
    this.ended.catch(() => {});
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    let hasBegun = false;
    this.socket.on("data", (chunk: Buffer) => {
      if (!hasBegun) {
        if (!chunk.toString("latin1").startsWith(OK)) begun.reject(new Error(chunk.toString()));
        hasBegun = chunk.indexOf(FIRST_CHUNK) >= 0;
        begun.resolve();
      }
      if (this.#take(chunk)) {
        ended.resolve();
        this.socket.destroy();
      }
    });
    const onLost = (error?: Error): void => {
      begun.reject(error ?? new Error("The connection was closed."));
      ended.reject(error ?? new Error("The connection was closed."));
    };
    this.socket.once("error", onLost);
    this.socket.once("close", () => onLost());
  }

  /** True at the end of the answer. */
  #take(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    this.frames += countOf(chunk);
    // A match across two chunks is in neither of them.
    const joint = Buffer.concat([this.#tail.subarray(1 - FRAME.length), chunk.subarray(0, FRAME.length - 1)]);
    this.frames += countOf(joint);
    this.#tail = Buffer.from(
      Buffer.concat([this.#tail, chunk.subarray(-LAST_CHUNK.length)]).subarray(-LAST_CHUNK.length),
    );
    return this.#tail.toString("latin1") === LAST_CHUNK;
  }
}

function countOf(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(FRAME); at >= 0; at = bytes.indexOf(FRAME, at + FRAME.length)) count += 1;
  return count;
}

/** More at once would overflow the queue of connections that wait to be accepted. */
const OPENED_AT_ONCE = 100;

const subscribers: Subscriber[] = [];

answerQuestions(async (question: SubscribersQuestion): Promise<ReceivedReply> => {
  switch (question.kind) {
    case "open":
      for (let left = question.count; left > 0; left -= OPENED_AT_ONCE) {
        const count = Math.min(OPENED_AT_ONCE, left);
        const opened = Array.from({ length: count }, () => new Subscriber(question.port, question.path));
        subscribers.push(...opened);
        await Promise.all(opened.map(({ begun }) => begun));
      }
      return countAll(subscribers);
    case "read-to-the-end":
      await Promise.all(subscribers.map(({ ended }) => ended));
      return countAll(subscribers.splice(0));
    case "close":
      for (const { socket } of subscribers) socket.destroy();
      return countAll(subscribers.splice(0));
  }
});

function countAll(counted: readonly Subscriber[]): ReceivedReply {
  let frames = 0;
  let bytes = 0;
  for (const subscriber of counted) {
    frames += subscriber.frames;
    bytes += subscriber.bytes;
  }
  return { frames, bytes, endedAtMs: nowMs() };
}
