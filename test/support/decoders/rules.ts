/**
 * How popular decoders read an event stream, as a table. They differ in line ends, in what makes them dispatch at a
 * blank line, in whether they parse the data, and in how they treat an event that the end of the stream cuts off. The
 * rules come from the linked sources, in our own words.
 */

/** Where a line ends: as in WHATWG, at LF alone (without a preceding CR), or as in Python's `str.splitlines()`. */
export type LineEnds = "whatwg" | "lf" | "python";

/** The decoder's input since the last blank line. */
export interface Block {
  event: string;
  data: readonly string[];
  /** Of this block or an earlier one: no decoder forgets it at a blank line. */
  lastId: string | undefined;
  hasRetry: boolean;
}

export interface DecoderRules {
  name: string;
  source: string;
  lineEnds: LineEnds;
  /** Whether a blank line makes this an event. */
  dispatches: (block: Block) => boolean;
  /** Whether it parses the data itself, and fails on text that is not JSON. */
  parsesJson: boolean;
  /** Whether it exposes ids. */
  hasIds: boolean;
  /** The handling of an event without its blank line at the end of the stream. */
  atEnd: "dropped" | "dispatched";
  /** Whether it restarts at each network read. */
  forgetsAtRead?: true;
}

const hasData = ({ data }: Block): boolean => data.length > 0;
/** The id is an earlier event's: after the first frame with an id, every blank line dispatches. */
const hasAnything = ({ event, data, lastId, hasRetry }: Block): boolean =>
  event !== "" || data.length > 0 || (lastId ?? "") !== "" || hasRetry;

export const DECODERS: readonly DecoderRules[] = [
  {
    name: "EventSource",
    source: "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
    lineEnds: "whatwg",
    dispatches: hasData,
    parsesJson: false,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    // The same class in 1.99, 2.30 and 3.3. It splits bytes into lines before decoding, so only CR and LF end one.
    name: "openai-python",
    source: "openai/openai-python src/openai/_streaming.py SSEDecoder; openai/openai-python#2722",
    lineEnds: "whatwg",
    dispatches: hasAnything,
    parsesJson: true,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    name: "openai-node 6",
    source: "node_modules/openai-6/core/streaming.mjs, internal/decoders/line.mjs",
    lineEnds: "whatwg",
    dispatches: ({ event, data }) => event !== "" || data.length > 0,
    parsesJson: true,
    hasIds: false,
    atEnd: "dropped",
  },
  {
    name: "openai-node 7",
    source: "node_modules/openai/core/streaming.mjs, internal/decoders/line.mjs",
    lineEnds: "whatwg",
    dispatches: ({ event, data }) => event !== "" || data.length > 0,
    parsesJson: true,
    hasIds: false,
    atEnd: "dispatched",
  },
  {
    // Every blank line, even after a comment and before any event. bufio.Scanner splits the lines.
    name: "openai-go before #621",
    source: "openai/openai-go packages/ssestream/ssestream.go at 74d3989; openai/openai-go#556",
    lineEnds: "lf",
    dispatches: () => true,
    parsesJson: true,
    hasIds: false,
    atEnd: "dropped",
  },
  {
    name: "openai-go",
    source: "openai/openai-go packages/ssestream/ssestream.go at 06619bb; openai/openai-go#621",
    lineEnds: "lf",
    dispatches: hasData,
    parsesJson: true,
    hasIds: false,
    atEnd: "dropped",
  },
  {
    name: "openai-java, older",
    source: "openai-java-core …/core/handlers/SseHandler.kt, as in revsmoke/openai-java-cfscript at 000d838",
    lineEnds: "whatwg",
    dispatches: hasAnything,
    parsesJson: true,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    name: "openai-java",
    source: "openai/openai-java openai-java-core …/core/handlers/SseHandler.kt at 0f39480",
    lineEnds: "whatwg",
    dispatches: hasData,
    parsesJson: true,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    name: "eventsource-stream (Rust)",
    source: "jpopesculian/eventsource-stream src/event_stream.rs, src/parser.rs",
    lineEnds: "whatwg",
    dispatches: hasData,
    parsesJson: false,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    name: "httpx-sse",
    source: "florimondmanca/httpx-sse src/httpx_sse/_decoders.py (SSELineDecoder, SSEDecoder)",
    lineEnds: "whatwg",
    dispatches: hasAnything,
    parsesJson: false,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    // httpx's own `iter_lines()`. Callers of `splitlines()` on text do the same, as LiteLLM does.
    name: "httpx-sse before 0.4.2",
    source: "florimondmanca/httpx-sse src/httpx_sse/_api.py at 040a4e2; encode/httpx httpx/_decoders.py LineDecoder",
    lineEnds: "python",
    dispatches: hasAnything,
    parsesJson: false,
    hasIds: true,
    atEnd: "dropped",
  },
  {
    // Many were fixed one by one; each treats a network read as whole frames.
    name: "one that forgets at each read",
    source: "mpetazzoni/sse.js#36, zoedsoupe/anubis-mcp#232, liquidos-ai/AutoAgents#99",
    lineEnds: "whatwg",
    dispatches: hasData,
    parsesJson: true,
    hasIds: true,
    atEnd: "dropped",
    forgetsAtRead: true,
  },
];
