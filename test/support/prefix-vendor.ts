/**
 * A server of chat completions that always writes the same text, word by word, and continues it after a final assistant
 * message, in each way that vendors use. A providers file names it as the vendor `prefix`.
 */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { ContinuationMode } from "../../src/providers/catalog.ts";

export interface PrefixVendorSettings {
  /** Its text. A prefix of 16 characters or more is continued. */
  text?: string;
  /** The delay between two words. */
  delayMs?: number;
  /** The first call writes this many words, then nothing until its connection closes. */
  firstCallWords?: number;
  /** The providers file's declaration; without it, the vendor is not known to continue anything. */
  continuation?: ContinuationMode;
  /** Whether it continues as declared, or starts over. */
  obeys?: boolean;
}

interface WireMessage {
  role: string;
  content: string;
  prefix?: boolean;
}

export interface PrefixVendorBody {
  [field: string]: unknown;
  messages: WireMessage[];
}

export interface PrefixVendor extends AsyncDisposable {
  url: string;
  /** For `PROVIDERS_FILE`. */
  providersFile: string;
  /** The model to request. */
  model: string;
  text: string;
  /** One for each call, in order of arrival. */
  bodies: readonly PrefixVendorBody[];
}

export const VENDOR_TEXT = Array.from(
  { length: 60 },
  (_, position) => `Sentence ${position + 1} says that nothing of it is lost.${position % 5 === 4 ? "\n\n" : ""}`,
)
  .join(" ")
  .trimEnd();

export async function startPrefixVendor(settings: PrefixVendorSettings = {}): Promise<PrefixVendor> {
  const { text = VENDOR_TEXT, continuation, obeys = true } = settings;
  const bodies: PrefixVendorBody[] = [];
  const server = createServer((request, response) => {
    void readText(request).then(async (json) => {
      const body = JSON.parse(json) as PrefixVendorBody;
      const isFirst = bodies.push(body) === 1;
      const prefix = obeys ? prefixOf(body) : "";
      if (!text.startsWith(prefix)) return refuse(response, "The last message is not the beginning of the text.");
      await answer(response, { prefix, rest: words(text.slice(prefix.length)), body, isFirst, settings });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const folder = await mkdtemp(join(tmpdir(), "background-responses-prefix-vendor-"));
  const providersFile = join(folder, "providers.json");
  const provider = { kind: "openai-compatible", base_url: url, ...(continuation && { continuation }) };
  await writeFile(providersFile, JSON.stringify({ providers: { prefix: provider } }));
  return {
    url,
    providersFile,
    model: "prefix/any",
    text,
    bodies,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** It also continues a final assistant message without a mark. */
function prefixOf({ messages }: PrefixVendorBody): string {
  const last = messages.at(-1);
  return last?.role === "assistant" ? last.content : "";
}

const words = (text: string): string[] => text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];

interface Play {
  prefix: string;
  rest: string[];
  body: PrefixVendorBody;
  isFirst: boolean;
  settings: PrefixVendorSettings;
}

/** `max_tokens` counts words. */
async function answer(response: ServerResponse, { prefix, rest, body, isFirst, settings }: Play): Promise<void> {
  const bound = Number(body["max_tokens"] ?? Number.POSITIVE_INFINITY);
  const written = rest.slice(0, bound);
  const held = isFirst ? settings.firstCallWords : undefined;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const content of written.slice(0, held)) {
    if (response.destroyed) return;
    send(response, { choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    if (settings.delayMs !== undefined) await delay(settings.delayMs);
  }
  if (held !== undefined) return;
  const finish_reason = written.length < rest.length ? "length" : "stop";
  const [prompt_tokens, completion_tokens] = [3 + words(prefix).length, written.length];
  send(response, { choices: [{ index: 0, delta: {}, finish_reason }] });
  send(response, {
    choices: [],
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  });
  response.end("data: [DONE]\n\n");
}

function send(response: ServerResponse, fields: object): void {
  const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "any", ...fields };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

function refuse(response: ServerResponse, message: string): void {
  response.writeHead(400, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message, type: "invalid_request_error" } }));
}
