/**
 * How long the check of a body takes, which blocks its process. The limit is JSON.parse of the same bytes, which no
 * server can avoid. The usual bodies are listed beside the most expensive shapes of 1 MB: many small values.
 */
import { parseCreateRequest } from "../../src/http/validation/create-request.ts";
import { readConfig } from "../../src/config/config.ts";
import { readProviderCatalog } from "../../src/providers/catalog.ts";
import { compare, type Figure, median, takeTurns, type Target } from "./figure.ts";

const TURNS = 9;
const TYPICAL_TARGET_MS = 0.2;
const LARGE_TARGET_MS = 15;
const MEGABYTE = 1024 * 1024;

interface Shape {
  name: string;
  body: object;
  /** Checks per measured turn. */
  repetitions: number;
  target?: Target;
}

const atMost = (value: number): Target => ({ kind: "at-most", value });
const user = (content: unknown) => ({ role: "user", content });
const request = (input: unknown) => ({ model: "simulator/default", background: true, input });
const times = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));

/** A few turns, four tools, instructions: about 3 KB. */
const TYPICAL = {
  ...request(times(8, (i) => (i % 2 === 0 ? user("What of it? ".repeat(10)) : answered("That of it. ".repeat(12))))),
  instructions: "You are a careful assistant. ".repeat(12),
  stream: true,
  metadata: { conversation: "17" },
  tools: times(4, (i) => ({
    type: "function",
    name: `look_up_${i}`,
    description: "Looks up what is asked for.",
    parameters: { type: "object", properties: { what: { type: "string" } }, required: ["what"] },
    strict: false,
  })),
};

function answered(text: string) {
  return { type: "message", role: "assistant", content: [{ type: "output_text", text, annotations: [] }] };
}

const SHAPES: Shape[] = [
  { name: "a typical request, 3 KB", body: TYPICAL, repetitions: 500, target: atMost(TYPICAL_TARGET_MS) },
  {
    name: "1 MB: one text",
    body: request("x".repeat(MEGABYTE)),
    repetitions: 5,
    target: atMost(LARGE_TARGET_MS),
  },
  {
    name: "1 MB: 100 messages",
    body: request(times(100, () => user("x".repeat(MEGABYTE / 100)))),
    repetitions: 5,
    target: atMost(LARGE_TARGET_MS),
  },
  { name: "1 MB: 30,000 messages", body: request(times(30_000, () => user("a"))), repetitions: 5 },
  {
    name: "1 MB: a message of 28,000 parts",
    body: request([user(times(28_000, () => ({ type: "input_text", text: "a" })))]),
    repetitions: 5,
  },
];

export async function measureValidating(): Promise<Figure[]> {
  const catalog = readProviderCatalog(readConfig({}));
  const figures: Figure[] = [];
  for (const { name, body, repetitions, target } of SHAPES) {
    const json = JSON.stringify(body);
    // Each check gets a body of its own, as each request does.
    const limit = () => Promise.resolve(median(times(repetitions, () => timed(() => void JSON.parse(json)))));
    const ours = () => Promise.resolve(median(times(repetitions, () => checked(JSON.parse(json)))));
    const checked = (parsed: unknown) => timed(() => void parseCreateRequest(parsed, catalog));
    await takeTurns(2, limit, ours);
    const turns = await takeTurns(TURNS, limit, ours);
    const comparison = { name: `checking ${name}`, unit: "ms", limitName: "JSON.parse of it", turns, of: identity };
    figures.push(compare({ ...comparison, ...(target && { target }) }));
  }
  return figures;
}

const identity = (milliseconds: number): number => milliseconds;

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}
