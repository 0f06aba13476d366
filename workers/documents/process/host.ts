/**
 * The process that reads documents, one after another. It has no environment, and Node's permission model: it reads only
 * code. Its parent kills it at its limits (../document-process.ts). It exits when its stdin ends.
 */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { DocumentError } from "../document.ts";
import { type AnswerHead, encodeHead, MessageReader, type RequestHead } from "../messages.ts";
import { readDocument } from "./read-document.ts";

const MAX_HEAD_BYTES = 1024 * 1024;
const MAX_CAUSE_LENGTH = 1_000;

// Stdout has the answers. Libraries print warnings that quote the document, which no log may have.
globalThis.console = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));

async function send(head: AnswerHead, body: Uint8Array = new Uint8Array()): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.stdout.write(encodeHead(head));
  process.stdout.write(body, () => resolve());
  await promise;
}

async function answer(request: RequestHead, bytes: Uint8Array): Promise<void> {
  try {
    const { text, ...document } = await readDocument(bytes, request);
    const body = Buffer.from(text);
    await send({ type: "document", bytes: body.length, document }, body);
  } catch (error) {
    const isKnown = error instanceof DocumentError;
    const code = isKnown ? error.code : "invalid_file";
    const message = isKnown ? error.message : "The file is damaged.";
    const cause = describeCause(isKnown ? error.cause : error);
    await send({ type: "failed", bytes: 0, code, message, cause });
  }
}

/** The error's name and place. Its message may quote the document. */
function describeCause(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const place = /^\s+at .*$/m.exec(error.stack ?? "")?.[0].trim() ?? "";
  return `${error.name} ${place}`.slice(0, MAX_CAUSE_LENGTH);
}

// A library may reject a promise that nobody awaits. Every document is awaited.
process.on("unhandledRejection", () => {});
await send({ type: "ready", bytes: 0 });
const reader = new MessageReader({ maxHeadBytes: MAX_HEAD_BYTES, maxBodyBytes: Number.MAX_SAFE_INTEGER });
let head: RequestHead | undefined;
let chunks: Buffer[] = [];
for await (const chunk of process.stdin) {
  for (const part of reader.push(chunk as Buffer)) {
    if (part.kind === "head") head = part.head as RequestHead;
    else if (part.kind === "body") chunks.push(part.chunk);
    else {
      const bytes = Buffer.concat(chunks);
      chunks = [];
      await answer(head!, bytes);
    }
  }
}
process.exit(0);
