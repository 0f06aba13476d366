/** How long a project's run waits to start while another project's hanging runs fill every slot of the only worker. */
import { besideGiven, type Figure } from "./figure.ts";
import { postAndFollow } from "./follow.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { startApi, startWorker } from "./processes.ts";

const HOG_RUNS = 500;
const REPETITIONS = 5;
const TIMEOUT_MS = 60_000;
const LONGEST_SECONDS = 5;
const HOG = "key-of-the-hog-00001";
const OTHER = "key-of-the-other-001";
const PREFIX = "fairness";

export async function measureFairness(bench: Bench): Promise<Figure[]> {
  await using api = await startApi(bench, PREFIX, { API_KEYS: `hog:${HOG},other:${OTHER}` });
  await using _worker = await startWorker(bench, PREFIX);
  const alone = await samples(api.port, OTHER);
  await Promise.all(Array.from({ length: HOG_RUNS }, () => hang(api.port)));
  const beside = await samples(api.port, OTHER);
  const given = { name: "the same on an idle worker", value: alone.toSorted((a, b) => a - b)[0]! };
  const name = `time to start beside a hog of ${HOG_RUNS} runs, longest of ${REPETITIONS}`;
  return [besideGiven(name, "s", [Math.max(...beside)], given, { kind: "at-most", value: LONGEST_SECONDS })];
}

async function samples(port: number, key: string): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = 0; i < REPETITIONS; i += 1) seconds.push(await secondsToStart(port, key));
  return seconds;
}

/** From the POST to the event that a worker has begun. */
async function secondsToStart(port: number, key: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timeout = setTimeout(() => reject(new Error("No worker has begun the run.")), TIMEOUT_MS);
  const beganMs = nowMs();
  const body = { ...requestOf({ tokens: "1", delay_ms: "0" }), stream: true };
  const onEvent = ({ type }: { type: string }) => {
    if (type === "response.in_progress") resolve((nowMs() - beganMs) / 1000);
  };
  const followed = await postAndFollow(port, body, onEvent, { authorization: `Bearer ${key}` });
  const seconds = await promise.finally(() => clearTimeout(timeout));
  await followed.ended;
  return seconds;
}

async function hang(port: number): Promise<void> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${HOG}` };
  const body = JSON.stringify(requestOf({ hang: "true" }));
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`The POST was answered ${answer.status}.`);
  await answer.text();
}

function requestOf(settings: Record<string, string>): Record<string, unknown> {
  const metadata = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`simulator.${name}`, value]));
  return { model: "simulator/default", input: "Go on.", background: true, metadata };
}
