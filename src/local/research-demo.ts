/**
 * `npm run demo:research`: a deep-research run to look at. A response searches, opens pages, calls an MCP server and
 * computes with Python. The demo kills the worker in the middle of a step, and another worker resumes the run. It does
 * not repeat recorded steps, and the report cites the pages that were found.
 *
 * It needs no key and no network: the pages, the search engine and the MCP server are on this machine, and the model is
 * the simulator. `--model vendor/model "question"` uses a real model. It exits with 0 only if every check passes.
 */
import OpenAI from "openai";
import { raceSignal } from "race-signal";
import type { Installation } from "./demo/installation.ts";
import { type Almanac, LOOK_UP, startAlmanac } from "./demo/research/almanac.ts";
import { isCompleted, callKeysOf, ExecutedCallLog } from "./demo/research/check-calls.ts";
import { type CheckedRun, checkRun } from "./demo/research/check-run.ts";
import { startLocalWeb } from "./demo/research/local-web.ts";
import { prepareRealModel, readEnvironment, readRequestedModel } from "./demo/research/real-model.ts";
import { LABEL, QUESTION, createScriptedPlan } from "./demo/research/scripted-plan.ts";
import { showStarted, showReport, showStep } from "./demo/research/show-run.ts";
import { runDemo, type DemoStage, startInstallation } from "./demo/run-demo.ts";

const TITLE = "background-responses: a research run outlives its worker";
const SCRIPTED_LIMIT_MS = 120_000;
const REAL_LIMIT_MS = 15 * 60_000;
/** A real model's worker is killed in the first call after this many, or else in the answer. */
const CALLS_BEFORE_KILL = 3;
const CALL_TYPES = new Set<Item["type"]>(["web_search_call", "mcp_call", "code_interpreter_call"]);
const INSTRUCTIONS = `You are a researcher. Search the web and open the pages that you rely on. Ask the MCP server "${LABEL}" for the lamps of lighthouses where they matter, compute with Python instead of in your head, and cite each page as a Markdown link in a short report.`;

type StreamEvent = OpenAI.Responses.ResponseStreamEvent;
type Item = OpenAI.Responses.ResponseOutputItem;

interface Research extends CheckedRun {
  installation: Installation;
  almanac: Almanac;
}

interface ResearchRequest extends OpenAI.Responses.ResponseCreateParamsNonStreaming {
  input: string;
}

interface Crash {
  atMs: number;
  workerPid: number;
  /** The last event that the killed worker recorded. */
  lastRecorded: number;
}

async function demonstrate(stage: DemoStage): Promise<void> {
  const { screen } = stage;
  const environment = readEnvironment(process.env);
  const requested = readRequestedModel(process.argv.slice(2), environment);
  const isScripted = requested.model === undefined;
  screen.printHeading("Start pages, a search engine, an MCP server, Redis, an API process and two workers");
  const executed = new ExecutedCallLog();
  await using model = requested.model === undefined ? undefined : await prepareRealModel(requested.model, environment);
  await using web = await startLocalWeb(executed);
  await using almanac = await startAlmanac(executed, { holdsFirst: isScripted });
  const isLocalWeb = model?.hasSearchEngine !== true;
  screen.printLine(`Search   ${isLocalWeb ? `${web.url}, and the pages it knows` : "the engine that is configured"}`);
  screen.printLine(`MCP      ${almanac.url}`);
  const settings = {
    ...model?.settings,
    ...(isLocalWeb && { SEARXNG_URL: web.url }),
    FETCH_ALLOWED_HOSTS: `${web.host},${almanac.host}`,
    // Real vendors deviate from the order of events, which this demo does not test.
    STRICT_EVENTS: String(isScripted),
  };
  const url = await startInstallation(stage, { timeLimitMs: isScripted ? SCRIPTED_LIMIT_MS : REAL_LIMIT_MS, settings });
  const client = new OpenAI({ baseURL: url, apiKey: "none-needed", maxRetries: 0 });
  const research: Research = { ...stage, client, almanac, executed, isScripted, isLocalWeb, received: [] };
  await follow(research, {
    model: requested.model ?? "simulator/default",
    instructions: INSTRUCTIONS,
    input: requested.question ?? QUESTION,
    background: true,
    tools: [
      { type: "web_search" },
      { type: "mcp", server_label: LABEL, server_url: almanac.url, require_approval: "never" },
      { type: "code_interpreter", container: { type: "auto" } },
    ],
    include: ["web_search_call.action.sources", "code_interpreter_call.outputs"],
    ...(isScripted && { metadata: createScriptedPlan(web.url) }),
  });
  const response = lastResponse(research);
  showReport(screen, response);
  await checkRun(research, response);
}

/** Shows the run while it continues, and kills its worker on the way. */
async function follow(research: Research, request: ResearchRequest): Promise<void> {
  const { client, installation, screen, signal, received } = research;
  screen.printHeading("Ask, and follow the run");
  screen.printLine(`“${request.input}”`);
  screen.printLine("");
  const items = new Map<number, Item>();
  let crash: Crash | undefined;
  let id = "";
  for await (const event of await client.responses.create({ ...request, stream: true }, { signal })) {
    received.push(event);
    if (event.type === "response.created") ({ id } = event.response);
    if (event.sequence_number === (crash?.lastRecorded ?? Infinity) + 1) await showResumed(research, id, crash!);
    if (event.type === "response.output_item.added" || event.type === "response.output_item.done") {
      items.set(event.output_index, event.item);
    }
    if (event.type === "response.output_item.added") showStarted(screen, event.item);
    if (event.type === "response.output_item.done") {
      const { workerPid } = await installation.runRecord(id);
      showStep(screen, { number: event.sequence_number, workerPid }, event.item);
    }
    if (crash === undefined && (await isMomentToKill(research, event, items))) {
      crash = await killWorker(research, id, items.get(items.size - 1)!);
    }
    if (event.sequence_number === crash?.lastRecorded) screen.showWaiting("Waiting for another worker to resume");
  }
  signal.throwIfAborted();
  if (crash === undefined) throw new Error("The run was over before its worker could be killed.");
}

async function isMomentToKill(
  { almanac, isScripted, signal }: Research,
  event: StreamEvent,
  items: ReadonlyMap<number, Item>,
): Promise<boolean> {
  if (!isScripted) {
    const calls = [...items.values()].filter((item) => callKeysOf(item).length > 0 && isCompleted(item));
    const startsCall = event.type === "response.output_item.added" && CALL_TYPES.has(event.item.type);
    return (startsCall && calls.length >= CALLS_BEFORE_KILL) || event.type === "response.output_text.delta";
  }
  const item = items.get(items.size - 1);
  if (event.type !== "response.mcp_call_arguments.done" || item?.type !== "mcp_call" || item.name !== LOOK_UP)
    return false;
  await raceSignal(almanac.lookUpStarted, signal);
  return true;
}

async function killWorker({ installation, screen }: Research, id: string, during: Item): Promise<Crash> {
  const { workerPid } = await installation.runRecord(id);
  await installation.crashWorker(workerPid);
  const atMs = performance.now();
  const { last } = await installation.runRecord(id);
  const step = during.type === "mcp_call" ? `${during.server_label}.${during.name}` : during.type;
  screen.printLine("");
  screen.printLine(`Worker ${workerPid} got SIGKILL in the middle of a step, with ${step} open.`, "red");
  screen.printLine(`Redis has the events up to ${last}, and each result of the calls above.`);
  return { atMs, workerPid, lastRecorded: last };
}

async function showResumed({ installation, screen }: Research, id: string, crash: Crash): Promise<void> {
  const seconds = ((performance.now() - crash.atMs) / 1000).toFixed(1);
  const { workerPid } = await installation.runRecord(id);
  if (workerPid === crash.workerPid) throw new Error(`Worker ${workerPid} resumed after it was killed.`);
  screen.printLine(
    `Worker ${workerPid} resumes at event ${crash.lastRecorded + 1}, ${seconds} s after the kill.`,
    "green",
  );
  screen.printLine("");
}

function lastResponse({ received }: Research): OpenAI.Responses.Response {
  const terminal = received.at(-1);
  if (terminal === undefined || !("response" in terminal))
    throw new Error("The stream ended without a terminal event.");
  const { response } = terminal;
  if (response.status === "completed") return response;
  throw new Error(`The response ended ${response.status}: ${response.error?.message ?? "no reason was given"}`);
}

// Redis clients retry forever, even after this process has given up on them.
process.exit(await runDemo({ title: TITLE, environment: process.env }, demonstrate));
