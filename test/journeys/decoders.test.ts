/**
 * Sends every stream of this server, with heartbeats, through the decoders in common use: each yields exactly the log's
 * events. The first tests check the decoders themselves, on streams that break some of them.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEARTBEAT } from "../../src/stream/fan-out/frame.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { capture, type CaptureRequest } from "../support/decoders/capture.ts";
import { type DecodedEvent, type Decoder, decoderOf, PACKAGES } from "../support/decoders/decode.ts";
import { DECODERS } from "../support/decoders/rules.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";

const decoders: readonly Decoder[] = [...DECODERS.map(decoderOf), ...PACKAGES];

describe("decoders on frames that break some of them", () => {
  const TYPE = "response.output_text.delta";
  const frame = (id: number, delta = "a"): string =>
    `id: ${id}\nevent: ${TYPE}\ndata: ${JSON.stringify({ type: TYPE, delta })}\n\n`;
  const BLANK_HEARTBEAT = ": keep-alive\n\n";
  const LINE_HEARTBEAT = HEARTBEAT.toString();
  const NEVER_FORGET_IDS = { "openai-python": "fails", "openai-java, older": "fails" };
  const PASS_IT_ON = { "httpx-sse": "an empty event", "httpx-sse before 0.4.2": "an empty event" };

  /** The writes of a stream of two events, and the result of each decoder that does not yield exactly these. */
  const STREAMS: Record<string, { writes: string[]; text?: string; breaks: Record<string, string> }> = {
    "no heartbeat": { writes: [frame(0), frame(1)], breaks: {} },
    "a blank line after a heartbeat, between events": {
      writes: [frame(0), BLANK_HEARTBEAT, frame(1)],
      breaks: { ...NEVER_FORGET_IDS, ...PASS_IT_ON, "openai-go before #621": "fails" },
    },
    "a blank line after a heartbeat, before any event": {
      writes: [BLANK_HEARTBEAT, frame(0), frame(1)],
      breaks: { "openai-go before #621": "fails" },
    },
    "a blank line after a heartbeat, after the last event": {
      writes: [frame(0), frame(1), BLANK_HEARTBEAT],
      breaks: { ...NEVER_FORGET_IDS, ...PASS_IT_ON, "openai-go before #621": "fails" },
    },
    "heartbeat lines everywhere": {
      writes: [LINE_HEARTBEAT, LINE_HEARTBEAT, frame(0), LINE_HEARTBEAT, LINE_HEARTBEAT, frame(1), LINE_HEARTBEAT],
      breaks: {},
    },
    ...Object.fromEntries(
      ["\u0085", "\u2028", "\u2029"].map((end) => [
        `U+${end.charCodeAt(0).toString(16)} as it is`,
        {
          writes: [frame(0, `a${end}b`), frame(1, `a${end}b`)],
          text: `a${end}b`,
          breaks: { "httpx-sse before 0.4.2": "other events" },
        },
      ]),
    ),
    "an event in two writes": {
      writes: [frame(0), frame(1).slice(0, 12), frame(1).slice(12)],
      breaks: { "one that forgets at each read": "other events" },
    },
    "a last event without its blank line": {
      writes: [frame(0), frame(1).slice(0, -1)],
      breaks: Object.fromEntries(
        decoders.filter(({ name }) => !name.startsWith("openai-node 7")).map(({ name }) => [name, "other events"]),
      ),
    },
  };

  test.each(Object.entries(STREAMS))("%s", async (_, { writes, text = "a", breaks }) => {
    const data = JSON.stringify({ type: TYPE, delta: text });
    const outcomes: Record<string, string> = {};
    for (const decoder of decoders) {
      const { events, error } = await decoder.decode(writes.map((write) => Buffer.from(write)));
      const isRight = events.length === 2 && events.every((event) => event.type === TYPE && event.data === data);
      if (error !== undefined) outcomes[decoder.name] = "fails";
      else if (events.some((event) => event.data === "")) outcomes[decoder.name] = "an empty event";
      else if (!isRight) outcomes[decoder.name] = "other events";
    }
    expect(outcomes).toEqual(breaks);
  });
});

const HEARTBEATS = { STREAM_HEARTBEAT_MS: "100" };
const SLOW = { tokens: 6, delay_ms: 300 };
const isHeartbeat = (write: Buffer): boolean => write.equals(HEARTBEAT);
const OBFUSCATION = /,"obfuscation":"[\w-]+"\}$/;

describe("every stream of this server in every decoder", () => {
  const prefix = uniquePrefix();
  const environment = { KEY_PREFIX: prefix, ...HEARTBEATS };
  let inspector: RedisInspector;
  let api: ApiProcess;
  let worker: ServerProcess;

  beforeAll(async () => {
    inspector = new RedisInspector(prefix);
    [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
  });
  afterAll(async () => {
    await Promise.all([api, worker].map((each) => each[Symbol.asyncDispose]()));
    inspector[Symbol.dispose]();
  });

  const streamOf = (id: string, query = ""): string => `${api.url}/responses/${id}?stream=true${query}`;

  /** Calls once, after that many heartbeats. */
  const afterHeartbeats = (count: number, callback: () => void): NonNullable<CaptureRequest["onWrite"]> => {
    let hasCalled = false;
    return (writes) => {
      if (hasCalled || writes.filter(isHeartbeat).length < count) return;
      hasCalled = true;
      callback();
    };
  };

  async function expectAllToRead(writes: readonly Buffer[], log: readonly string[]): Promise<void> {
    const whole = Buffer.concat([...writes]);
    const random = seededRandom(whole.length);
    for (const decoder of decoders) {
      const cuts = decoder.forgetsAtRead ? [writes] : [writes, [whole], cutAtRandom(whole, random)];
      for (const reads of cuts) {
        const { events, error } = await decoder.decode(reads);
        const { name } = decoder;
        expect({ name, error }).toEqual({ name, error: undefined });
        const wanted = log.map((data) => expected(decoder, data, events));
        expect({ name, events: events.map(withoutPadding) }).toEqual({ name, events: wanted });
      }
    }
  }

  /** The id only where the decoder exposes one. */
  function expected(decoder: Decoder, data: string, events: readonly DecodedEvent[]): DecodedEvent {
    const { type, sequence_number } = JSON.parse(data) as { type: string; sequence_number: number };
    const id = events[0]?.id === undefined ? undefined : String(sequence_number);
    return { id, type, data: decoder.givesObjects ? JSON.stringify(JSON.parse(data)) : data };
  }

  function withoutPadding(event: DecodedEvent): DecodedEvent {
    return { ...event, data: event.data.replace(OBFUSCATION, "}") };
  }

  function cutAtRandom(bytes: Buffer, random: () => number): Buffer[] {
    const reads: Buffer[] = [];
    for (let from = 0; from < bytes.length;) {
      const to = from + 1 + Math.floor(random() * 200);
      reads.push(bytes.subarray(from, to));
      from = to;
    }
    return reads;
  }

  test("a busy stream", async () => {
    const { id } = await create(api.url, simulate({ tokens: 400, delay_ms: 1 }));
    const writes = await capture(streamOf(id));
    await expectAllToRead(writes, await inspector.log(id));
  });

  test("a finished stream", async () => {
    const { id } = await create(api.url, simulate({ tokens: 2_000, delay_ms: 0 }));
    await pollToEnd(api.url, id);
    const writes = await capture(streamOf(id));
    await expectAllToRead(writes, await inspector.log(id));
  });

  test.each([
    ["a slow one", {}, ""],
    ["a slow one, obfuscated", {}, "&include_obfuscation=true"],
    ["a slow one, resumed by starting_after", {}, "&starting_after=3"],
    ["a slow one, resumed by Last-Event-ID", { "last-event-id": "3" }, ""],
  ])("%s", async (name, headers, query) => {
    const { id } = await create(api.url, simulate(SLOW));
    await subscribe(api.url, id, { cutAfterEvents: 5 });
    const writes = await capture(streamOf(id, query), { headers });
    expect(writes.filter(isHeartbeat).length).toBeGreaterThan(0);
    expect(OBFUSCATION.test(String(writes.find((write) => write.includes(".delta"))).trimEnd())).toBe(
      name.includes("obfuscated"),
    );
    const log = await inspector.log(id);
    await expectAllToRead(writes, name.includes("resumed") ? log.slice(4) : log);
  });

  test.each([
    ["of a foreground POST", { background: false }],
    ["of a background POST", { background: true }],
    ["of a foreground POST, obfuscated", { background: false, stream_options: { include_obfuscation: true } }],
  ])("a slow stream %s", async (_, fields) => {
    const body = simulate(SLOW, { ...fields, stream: true });
    const writes = await capture(`${api.url}/responses`, { method: "POST", body });
    expect(writes.filter(isHeartbeat).length).toBeGreaterThan(0);
    const id = /"id":"(resp_[^"]+)"/.exec(String(writes[0]))![1]!;
    await expectAllToRead(writes, await inspector.log(id));
  });

  test("a cancelled idle stream, and one that begins with a heartbeat", async () => {
    const { id } = await create(api.url, simulate({ hang: true, delay_ms: 0 }));
    const resumed = Promise.withResolvers<{ writes: Buffer[]; last: number }>();
    const cancel = (): void => void send("POST", `${api.url}/responses/${id}/cancel`).catch(resumed.reject);
    const resume = async (): Promise<void> => {
      const last = (await inspector.log(id)).length - 1;
      const headers = { "last-event-id": String(last) };
      const writes = await capture(streamOf(id), { headers, onWrite: afterHeartbeats(2, cancel) });
      resumed.resolve({ writes, last });
    };
    const onWrite = afterHeartbeats(3, () => void resume().catch(resumed.reject));
    const [writes, behind] = await Promise.all([capture(streamOf(id), { onWrite }), resumed.promise]);
    const log = await inspector.log(id);
    expect(log.at(-1)).toContain('"status":"cancelled"');
    await expectAllToRead(writes, log);
    expect(isHeartbeat(behind.writes[0]!)).toBe(true);
    await expectAllToRead(behind.writes, log.slice(behind.last + 1));
  });

  test("texts with every character that ends a line somewhere", async () => {
    const text = "a\u0085b\u2028c\u2029d\u000be\u000cf\u001cg\u001dh\u001ei\rj\nk";
    const { id } = await create(api.url, simulate({ delay_ms: 150, text }, { instructions: text }));
    const writes = await capture(streamOf(id));
    const log = await inspector.log(id);
    await expectAllToRead(writes, log);
    const { response } = JSON.parse(log.at(-1)!) as { response: { instructions: string; output: object[] } };
    expect(response.instructions).toBe(text);
    expect(response.output).toMatchObject([{ content: [{ text }] }]);
  });

  test("an idle stream whose process exits", async () => {
    await using leaving = await startApi(environment);
    const { id } = await create(leaving.url, simulate({ hang: true, delay_ms: 0 }));
    const onWrite = afterHeartbeats(2, () => leaving.kill("SIGTERM"));
    const writes = await capture(`${leaving.url}/responses/${id}?stream=true`, { onWrite });
    expect(isHeartbeat(writes.at(-1)!)).toBe(true);
    await expectAllToRead(writes, await inspector.log(id));
    await send("DELETE", `${api.url}/responses/${id}`);
  });
});
