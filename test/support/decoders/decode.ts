/** A decoder of the table (rules.ts) at work, and the installed packages as themselves. */
import { ReadableStream } from "node:stream/web";
import { createParser } from "eventsource-parser";
import { Stream } from "openai/streaming";
import { Stream as Stream6 } from "openai-6/streaming";
import type { Block, DecoderRules, LineEnds } from "./rules.ts";

export interface DecodedEvent {
  /** Undefined if the decoder does not expose it. */
  id: string | undefined;
  type: string;
  data: string;
}

export interface Decoded {
  events: DecodedEvent[];
  /** The decoder's error, after which it reads no further. */
  error: string | undefined;
}

export interface Decoder {
  name: string;
  forgetsAtRead: boolean;
  /** Whether it returns parsed objects instead of the text. */
  givesObjects: boolean;
  decode(reads: readonly Buffer[]): Promise<Decoded>;
}

const LINE_ENDS: Record<LineEnds, RegExp> = {
  whatwg: /\r\n|[\n\r]/,
  lf: /\r?\n/,
  // https://docs.python.org/3/library/stdtypes.html#str.splitlines
  // oxlint-disable-next-line no-control-regex -- These are what it cuts at.
  python: /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/,
};

export function decoderOf(rules: DecoderRules): Decoder {
  return {
    name: rules.name,
    forgetsAtRead: rules.forgetsAtRead === true,
    givesObjects: false,
    decode: async (reads) => {
      const state = new DecoderState(rules);
      const parts = rules.forgetsAtRead === true ? reads.map((read) => [read]) : [reads];
      try {
        for (const part of parts) state.readPart(Buffer.concat([...part]).toString());
        return { events: state.events, error: undefined };
      } catch (error) {
        return { events: state.events, error: String(error) };
      }
    },
  };
}

class DecoderState {
  readonly events: DecodedEvent[] = [];
  readonly #rules: DecoderRules;
  #block: Block & { data: string[] } = { event: "", data: [], lastId: undefined, hasRetry: false };

  constructor(rules: DecoderRules) {
    this.#rules = rules;
  }

  /** All of a stream, or the part of one read for decoders that forget. */
  readPart(text: string): void {
    const lines = text.split(LINE_ENDS[this.#rules.lineEnds]);
    // Without an end it is not a line.
    const rest = lines.pop()!;
    for (const line of lines) this.#take(line);
    if (this.#rules.atEnd === "dispatched") {
      if (rest !== "") this.#take(rest);
      this.#take("");
    }
    this.#block = { event: "", data: [], lastId: this.#block.lastId, hasRetry: false };
  }

  #take(line: string): void {
    if (line === "") {
      this.#endBlock();
      return;
    }
    const [, name, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line)!;
    if (name === "event") this.#block.event = value!;
    else if (name === "data") this.#block.data.push(value!);
    else if (name === "id") this.#block.lastId = value!;
    else if (name === "retry") this.#block.hasRetry = true;
  }

  #endBlock(): void {
    const { event, lastId } = this.#block;
    const data = this.#block.data.join("\n");
    const isEvent = this.#rules.dispatches(this.#block);
    this.#block = { event: "", data: [], lastId, hasRetry: false };
    if (!isEvent) return;
    if (this.#rules.parsesJson) JSON.parse(data);
    this.events.push({ id: this.#rules.hasIds ? lastId : undefined, type: event, data });
  }
}

const ofSdk = (name: string, stream: typeof Stream | typeof Stream6): Decoder => ({
  name,
  forgetsAtRead: false,
  givesObjects: true,
  decode: async (reads) => {
    const events: DecodedEvent[] = [];
    const response = new Response(ReadableStream.from(reads.map((read) => new Uint8Array(read))) as never);
    const controller = new AbortController();
    const quiet = { logLevel: "off", logger: console };
    try {
      const decoded = stream.fromSSEResponse(response, controller, quiet as never) as AsyncIterable<{ type: string }>;
      for await (const event of decoded) events.push({ id: undefined, type: event.type, data: JSON.stringify(event) });
      return { events, error: undefined };
    } catch (error) {
      return { events, error: String(error) };
    }
  },
});

const eventsourceParser: Decoder = {
  name: "eventsource-parser, the package",
  forgetsAtRead: false,
  givesObjects: false,
  decode: async (reads) => {
    const events: DecodedEvent[] = [];
    const errors: string[] = [];
    const parser = createParser({
      onEvent: ({ id, event, data }) => events.push({ id, type: event ?? "", data }),
      onError: (parseError) => errors.push(String(parseError)),
    });
    const decoder = new TextDecoder();
    for (const read of reads) parser.feed(decoder.decode(read, { stream: true }));
    return { events, error: errors[0] };
  },
};

export const PACKAGES: readonly Decoder[] = [
  ofSdk("openai-node 7, the package", Stream),
  ofSdk("openai-node 6, the package", Stream6),
  eventsourceParser,
];
