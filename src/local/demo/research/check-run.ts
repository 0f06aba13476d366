/** The claims that a research run must satisfy, each with its check. Throws at the first false claim. */
import type OpenAI from "openai";
import { findStreamErrors } from "../check-events.ts";
import type { Screen } from "../screen.ts";
import { ADD_NOTE, LOOK_UP } from "./almanac.ts";
import { findRepeatedCalls, isCompleted, callKeysOf, type ExecutedCallLog } from "./check-calls.ts";
import { findWrongCitations, readAnswer } from "./report.ts";
import { describeOutcome } from "./show-run.ts";

type Response = OpenAI.Responses.Response;

export interface CheckedRun {
  client: OpenAI;
  screen: Screen;
  signal: AbortSignal;
  executed: ExecutedCallLog;
  isScripted: boolean;
  /** Whether the searched web is this machine's and therefore counted. */
  isLocalWeb: boolean;
  /** In order of arrival. */
  received: OpenAI.Responses.ResponseStreamEvent[];
}

export async function checkRun(run: CheckedRun, response: Response): Promise<void> {
  const { executed, screen, received, isScripted, isLocalWeb } = run;
  screen.printHeading("Check it");
  const replayed = await replay(run, response.id);
  const check = (claim: string, errors: readonly string[]): void => {
    if (errors.length > 0) throw new Error(`Check failed: ${claim} ${errors.join("; ")}.`);
    screen.printLine(`✓ ${claim}`, "green", "");
  };
  const numbers = `0…${received.length - 1}`;
  check(
    `${received.length} events, sequence ${numbers}, the same on replay; one terminal event.`,
    findStreamErrors(received, replayed),
  );
  // Interrupted items are in the log only, not in the response.
  const shown = received.flatMap((event) => (event.type === "response.output_item.done" ? [event.item] : []));
  const counted = isLocalWeb ? shown : shown.filter((item) => item.type === "mcp_call");
  const calls = counted.filter((item) => isCompleted(item) && callKeysOf(item).length > 0);
  const counters = isLocalWeb ? "by search engine, pages and MCP server" : "by the MCP server";
  check(
    `${calls.length} completed calls, each made once, as counted ${counters}.`,
    findRepeatedCalls(counted, executed, isReadOnly),
  );
  if (isScripted) check(CRASH_CLAIM, findWrongCounts(executed));
  const { text, citations } = readAnswer(response);
  const known = knownUrls(response.output);
  const wrong = findWrongCitations(text, citations, (url) => known.has(url.split("#")[0]!));
  check(
    `${citations.length} links cited: each is cut out of the report by its citation, and its page was found.`,
    wrong,
  );
  if (isScripted) check("The report has the figures that Python printed.", findMissingFigures(response, text));
}

/** All requests to the almanac and the pages, except those of one tool. */
const isReadOnly = (key: string): boolean => !key.startsWith(`${ADD_NOTE} `);

async function replay({ client, signal }: CheckedRun, id: string) {
  const replayed: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of await client.responses.retrieve(id, { stream: true }, { signal })) replayed.push(event);
  signal.throwIfAborted();
  return replayed;
}

const CRASH_CLAIM = `${ADD_NOTE}, which writes, was called once; ${LOOK_UP}, which reads, again after the crash.`;

function findWrongCounts(executed: ExecutedCallLog): string[] {
  const timesOf = (name: string) =>
    executed.keys.filter((key) => key.startsWith(`${name} `)).reduce((sum, key) => sum + executed.countOf(key), 0);
  const [notes, lookUps] = [timesOf(ADD_NOTE), timesOf(LOOK_UP)];
  return notes === 1 && lookUps === 2 ? [] : [`They were called ${notes} and ${lookUps} times`];
}

function knownUrls(output: Response["output"]): Set<string> {
  return new Set(
    output.flatMap((item) => {
      if (item.type !== "web_search_call") return [];
      if (item.action.type === "search") return (item.action.sources ?? []).map(({ url }) => url);
      return item.action.url == null ? [] : [item.action.url];
    }),
  );
}

function findMissingFigures({ output }: Response, text: string): string[] {
  const ran = output.filter((item) => item.type === "code_interpreter_call" && item.status === "completed");
  const figures = ran.flatMap(describeOutcome).flatMap((line) => line.match(/\d+\.\d/g) ?? []);
  if (figures.length === 0) return ["Python printed no figures"];
  return figures.filter((figure) => !text.includes(figure)).map((figure) => `${figure} is missing`);
}
