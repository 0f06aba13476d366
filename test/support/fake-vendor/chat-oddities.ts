/** Observed streams of chat completions, and how a client must read them. */
import { z } from "zod";
import type { Frame, Oddity } from "./protocol.ts";

const callsSchema = z.array(z.looseObject({ function: z.looseObject({ arguments: z.string().optional() }) }));

function mapDeltas(frames: readonly Frame[], change: (delta: Record<string, unknown>) => object): Frame[] {
  return frames.map(({ data }) => ({ data: withDelta(data, change) }));
}

function withDelta(data: unknown, change: (delta: Record<string, unknown>) => object): unknown {
  if (!isChunk(data)) return data;
  return { ...data, choices: data.choices.map((choice) => ({ ...choice, delta: change({ ...choice.delta }) })) };
}

interface Chunk {
  choices: { delta: object; finish_reason: string | null }[];
  [field: string]: unknown;
}

function isChunk(data: unknown): data is Chunk {
  return typeof data === "object" && data !== null && "choices" in data && Array.isArray(data.choices);
}

const isEmpty = (data: unknown) => isChunk(data) && data.choices.length === 0;

export const CHAT_ODDITIES: readonly Oddity[] = [
  {
    name: "the role in every chunk",
    source: "https://github.com/vllm-project/vllm/issues/30866",
    apply: (frames) => mapDeltas(frames, (delta) => ({ role: "assistant", ...delta })),
  },
  {
    name: "fields that are null",
    source: "https://github.com/vllm-project/vllm/issues/30866",
    apply: (frames) =>
      mapDeltas(frames, (delta) => ({ content: null, reasoning_content: null, refusal: null, ...delta })),
  },
  {
    name: "empty deltas",
    source: "https://github.com/jjang-ai/vmlx/issues/219",
    apply: (frames) => {
      const [first, ...rest] = frames;
      const empty = { data: withDelta(first?.data, () => ({})) };
      return first === undefined ? [] : [first, empty, empty, ...rest];
    },
  },
  {
    name: "empty lists of calls",
    source: "https://github.com/n4ze3m/page-assist/issues/614",
    apply: (frames) => mapDeltas(frames, (delta) => ({ tool_calls: [], ...delta })),
  },
  {
    name: "a reason to finish that is empty, before the last",
    source: "https://github.com/adolfousier/opencrabs/pull/1499",
    apply: (frames) =>
      frames.map(({ data }) => {
        if (!isChunk(data)) return { data };
        const choices = data.choices.map((choice) => ({ ...choice, finish_reason: choice.finish_reason ?? "" }));
        return { data: { ...data, choices } };
      }),
  },
  {
    name: "no usage",
    source: "https://github.com/vercel/ai/issues/1651",
    apply: (frames) =>
      frames.flatMap(({ data }) => {
        if (isEmpty(data)) return [];
        if (!isChunk(data)) return [{ data }];
        return [{ data: { ...data, usage: undefined, x_groq: undefined } }];
      }),
  },
  {
    name: "no [DONE]",
    source: "https://github.com/CommandCodeAI/command-code/issues/785",
    apply: (frames) => frames.filter(({ data }) => data !== "[DONE]"),
  },
  {
    name: "no reason to finish, where [DONE] says that it is the end",
    source: "https://github.com/CommandCodeAI/command-code/issues/785",
    apply: (frames) =>
      frames.map(({ data }) => {
        const isOver = frames.at(-1)?.data === "[DONE]";
        if (!isOver || !isChunk(data) || !isNamed(data)) return { data };
        return { data: { ...data, choices: data.choices.map((choice) => ({ ...choice, finish_reason: null })) } };
      }),
  },
  {
    name: "arguments that are an object",
    source: "https://github.com/ollama/ollama/issues/11633",
    apply: (frames) => mapDeltas(frames, withObjects),
  },
];

/** Only a plain stop may be omitted. */
const isNamed = ({ choices }: Chunk) =>
  choices.some(({ finish_reason }) => /^(stop|tool_calls)$/.test(finish_reason ?? ""));

/** Where they arrive whole. */
function withObjects(delta: Record<string, unknown>): object {
  const calls = callsSchema.safeParse(delta["tool_calls"]).data;
  if (calls === undefined) return delta;
  const tool_calls = calls.map((call) => {
    const { arguments: json } = call.function;
    if (json?.startsWith("{") !== true || !json.endsWith("}")) return call;
    return { ...call, function: { ...call.function, arguments: JSON.parse(json) } };
  });
  return { ...delta, tool_calls };
}
