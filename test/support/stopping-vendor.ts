/**
 * A vendor of chat completions whose model requests one payment, and whose stream stops in the middle of the call's
 * arguments as often as a test specifies. "In the middle of a call" is exact: half of the arguments have been sent, and
 * nothing more arrives until the connection closes. The amount is cut between its digits: a client that repairs half of
 * a JSON pays 12 instead of 1250.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { chunk } from "./ai-sdk.ts";
import { Condition } from "./condition.ts";

export interface Payment {
  payee: string;
  amount: number;
}

export const PAY = "pay";
export const AMOUNT = 1250;
/** The model's text before the call. */
export const ANNOUNCEMENT = "I will pay now. ";
/** The call's arguments are sent in chunks of this length, and pause while the call is held. */
const WORD_LENGTH = 4;

/** The arguments of the call that answers the prompt, as the model writes them. */
export const argumentsFor = (payee: string): string => JSON.stringify({ payee, amount: AMOUNT } satisfies Payment);

/** A providers file with this vendor as `stopping`. */
export const providersFileOf = ({ url }: StoppingVendor): string =>
  JSON.stringify({ providers: { stopping: { kind: "openai-compatible", base_url: url } } });

export interface StoppingVendorOptions {
  /** How often the call to this payee stops before it is sent whole. */
  stopsOf: (payee: string) => number;
  /** Notified whenever a call stops, and whenever the connection of one closes. */
  condition?: Condition;
}

interface ChatRequest {
  messages: { role: string; content: unknown }[];
}

/** The prompt is the payee's name. */
export class StoppingVendor implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    void json(request).then((body) => this.#answer(body as ChatRequest, response));
  });
  readonly #stopsOf: StoppingVendorOptions["stopsOf"];
  readonly #asked = new Map<string, number>();
  /** Stopped calls, each with the function that sends its rest. */
  readonly #held = new Map<string, () => void>();
  readonly condition: Condition;
  #isStopping = true;
  url = "";

  private constructor({ stopsOf, condition = new Condition() }: StoppingVendorOptions) {
    this.#stopsOf = stopsOf;
    this.condition = condition;
  }

  static async start(options: StoppingVendorOptions): Promise<StoppingVendor> {
    const vendor = new StoppingVendor(options);
    vendor.#server.listen(0, "127.0.0.1");
    await once(vendor.#server, "listening");
    vendor.url = `http://127.0.0.1:${(vendor.#server.address() as AddressInfo).port}/v1`;
    return vendor;
  }

  /** Whether the call to this payee is stopped now. */
  isHeld(payee: string): boolean {
    return this.#held.has(payee);
  }

  /** From now on no call stops, and stopped ones resume. */
  finishStreams(): void {
    this.#isStopping = false;
    for (const sendRest of this.#held.values()) sendRest();
  }

  #answer({ messages }: ChatRequest, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    const result = messages.find(({ role }) => role === "tool");
    if (result !== undefined) {
      const sentences = textIn(result.content).split(/(?<= )/);
      response.end(
        encode([...sentences.map((content) => chunk({ content })), chunk({}, { finish_reason: "stop" })], true),
      );
      return;
    }
    const payee = textIn(messages.find(({ role }) => role === "user")!.content);
    const asked = (this.#asked.get(payee) ?? 0) + 1;
    this.#asked.set(payee, asked);
    // The model does not repeat its text.
    const announcement = messages.at(-1)!.role === "assistant" ? [] : [chunk({ content: ANNOUNCEMENT })];
    const call = callChunks(payee, asked);
    const [half, rest] = [call.slice(0, -2), [...call.slice(-2), chunk({}, { finish_reason: "tool_calls" })]];
    response.write(encode([...announcement, ...half]));
    const sendRest = (): void => void response.end(encode(rest, true));
    if (!this.#isStopping || asked > this.#stopsOf(payee)) return sendRest();
    this.#held.set(payee, sendRest);
    this.condition.notify();
    response.once("close", () => {
      this.#held.delete(payee);
      this.condition.notify();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

/** Split so that the last two words are the end of the amount and of the object. */
function callChunks(payee: string, asked: number): object[] {
  const json = argumentsFor(payee);
  const head = json.slice(0, json.indexOf("1250") + 2);
  const words = [...head.match(new RegExp(`.{1,${WORD_LENGTH}}`, "g"))!, "50", "}"];
  const id = `call_${payee}_${asked}`;
  const begun = chunk({ tool_calls: [{ index: 0, id, type: "function", function: { name: PAY, arguments: "" } }] });
  return [begun, ...words.map((word) => chunk({ tool_calls: [{ index: 0, function: { arguments: word } }] }))];
}

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return (content as { text?: string }[]).map(({ text = "" }) => text).join("");
}

function encode(chunks: readonly object[], isOver = false): string {
  const frames = chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("");
  return isOver ? `${frames}data: [DONE]\n\n` : frames;
}
