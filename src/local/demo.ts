/**
 * `npm run demo` demonstrates promises 2, 3 and 5 (contract.md#promises). The official client follows a background
 * response; the demo drops its connection and kills the worker halfway; the client resumes, and the demo compares all
 * received events with a replay. It exits with 0 only if every check passes.
 */
import OpenAI from "openai";
import { setTimeout as delay } from "node:timers/promises";
import { follow, waitFor } from "../client/index.ts";
import { findStreamErrors } from "./demo/check-events.ts";
import { runDemo, type DemoStage, startInstallation } from "./demo/run-demo.ts";
import type { Screen } from "./demo/screen.ts";

const TITLE = "background-responses: a response outlives its connection and its worker";
/** A run takes about a third of this. */
const TIME_LIMIT_MS = 60_000;
/** Message deltas before the connection is dropped: about a third of all events. */
const DELTAS_BEFORE_DROP = 14;
/** Time without a subscriber before the worker is killed. */
const UNFOLLOWED_MS = 1_000;
/** Everything must work the first time, as with `maxRetries` of the official client. */
const NO_RETRIES = { giveUpAfterMs: 0 };

const REQUEST = {
  model: "simulator/default",
  input: "What happens to a response when its worker dies?",
  background: true,
  reasoning: { effort: "medium", summary: "auto" },
  metadata: { "simulator.reasoning": "22", "simulator.tokens": "86", "simulator.delay_ms": "110" },
} as const;

type StreamEvent = OpenAI.Responses.ResponseStreamEvent;

interface Demo extends DemoStage {
  client: OpenAI;
  /** All received events over all connections, in order. */
  received: StreamEvent[];
}

async function demonstrate(stage: DemoStage): Promise<void> {
  const { screen } = stage;
  screen.printHeading("Start Redis, an API process and two workers");
  const url = await startInstallation(stage, { timeLimitMs: TIME_LIMIT_MS });
  const client = new OpenAI({ baseURL: url, apiKey: "none-needed", maxRetries: 0 });
  const demo: Demo = { ...stage, client, received: [] };
  const id = await followAndDrop(demo);
  const crash = await crashWorkerOf(demo, id);
  await resume(demo, id, crash);
  await poll(demo, id);
  await verify(demo, id);
}

/** Returns the response's id after dropping the connection in the middle of its message. */
async function followAndDrop({ client, screen, signal, received }: Demo): Promise<string> {
  screen.printHeading("Create a background response and stream it");
  const stream = await client.responses.create({ ...REQUEST, stream: true }, { signal });
  let id = "";
  let deltas = 0;
  for await (const event of stream) {
    received.push(event);
    show(screen, event);
    if (event.type === "response.created") {
      ({ id } = event.response);
      screen.printLine(`${id} is ${event.response.status}`);
    }
    if (event.type === "response.output_text.delta") deltas += 1;
    if (deltas === DELTAS_BEFORE_DROP) stream.controller.abort();
  }
  signal.throwIfAborted();
  if (deltas < DELTAS_BEFORE_DROP) throw new Error("The stream ended before it could be dropped.");
  return id;
}

function show(screen: Screen, event: StreamEvent): void {
  switch (event.type) {
    case "response.reasoning_summary_text.delta":
      return screen.text(event.delta, "dim");
    case "response.output_text.delta":
      return screen.text(event.delta);
    case "response.output_item.done":
      screen.endText();
      if ("status" in event.item && event.item.status === "incomplete") {
        screen.printLine("[this item died with its worker: closed as incomplete, and written again below]", "yellow");
      }
      break;
    default:
  }
}

interface Crash {
  atMs: number;
  /** The last event that the killed worker recorded. */
  lastRecorded: number;
}

async function crashWorkerOf({ client, installation, screen, signal, received }: Demo, id: string): Promise<Crash> {
  const cursor = received.at(-1)!.sequence_number;
  screen.printHeading("Drop the connection, and kill the worker that has the run");
  screen.printLine(`The connection was dropped after event ${cursor}.`);
  await delay(UNFOLLOWED_MS, undefined, { signal });
  const { status } = await client.responses.retrieve(id, {}, { signal });
  const { workerPid } = await installation.runRecord(id);
  await installation.crashWorker(workerPid);
  const atMs = performance.now();
  const { last } = await installation.runRecord(id);
  screen.printLine(`With no client connected it is ${status}, and has recorded events up to ${last}.`);
  screen.printLine(`Worker ${workerPid} got SIGKILL.`);
  return { atMs, lastRecorded: last };
}

async function resume(
  { client, installation, screen, signal, received }: Demo,
  id: string,
  crash: Crash,
): Promise<void> {
  const cursor = received.at(-1)!.sequence_number;
  screen.printHeading(`Resume: follow(client, id, { after: ${cursor} })`);
  const wait = (): void => screen.showWaiting("Waiting for another worker to resume");
  if (cursor === crash.lastRecorded) wait();
  for await (const event of follow(client, id, { after: cursor, signal, ...NO_RETRIES })) {
    if (event.sequence_number === crash.lastRecorded + 1) {
      const seconds = ((performance.now() - crash.atMs) / 1000).toFixed(1);
      const { workerPid } = await installation.runRecord(id);
      const line = `Worker ${workerPid} resumed: event ${event.sequence_number} came ${seconds} s after the kill.`;
      screen.printLine(line, "green");
    }
    received.push(event);
    show(screen, event);
    if (event.sequence_number === crash.lastRecorded) wait();
  }
  signal.throwIfAborted();
}

async function poll({ client, screen, signal, received }: Demo, id: string): Promise<void> {
  screen.printHeading("Poll: waitFor(client, id)");
  const response = await waitFor(client, id, { signal, ...NO_RETRIES });
  const { status, usage } = response;
  screen.printLine(`status   ${status}`);
  if (usage) {
    const { input_tokens, output_tokens, output_tokens_details } = usage;
    const reasoning = output_tokens_details.reasoning_tokens;
    const ofThem = reasoning > 0 ? `, ${reasoning} of them reasoning` : "";
    screen.printLine(`usage    ${input_tokens} input tokens, ${output_tokens} output tokens${ofThem}`);
  }
  if (status !== "completed") throw new Error(`The response ended ${status}, not completed.`);
  const terminal = received.at(-1);
  // Clients add `output_text` to the result of GET, but not to events.
  const polled = JSON.stringify({ ...response, output_text: undefined });
  const streamed = terminal !== undefined && "response" in terminal ? JSON.stringify(terminal.response) : undefined;
  if (polled !== streamed) throw new Error("The polled response is not the one of the terminal event.");
}

async function verify({ client, screen, signal, received }: Demo, id: string): Promise<void> {
  screen.printHeading("Replay the whole stream, and compare it with what came over the two connections");
  const replayed: StreamEvent[] = [];
  for await (const event of await client.responses.retrieve(id, { stream: true }, { signal })) replayed.push(event);
  signal.throwIfAborted();
  const errors = findStreamErrors(received, replayed);
  if (errors.length > 0) throw new Error(`The stream was not exact: ${errors.join("; ")}.`);
  screen.printLine(`${replayed.length} events replayed, every one equal to the one received.`);
  const verdict = `${received.length} events, sequence 0…${received.length - 1} complete`;
  screen.printLine("");
  screen.printLine(`✓ ${verdict}: no gap, no repetition, one terminal event.`, "green", "");
}

// Redis clients retry forever, even after this process has given up on them.
process.exit(await runDemo({ title: TITLE, environment: process.env }, demonstrate));
