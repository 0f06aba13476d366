/** Prints a research run: one line per step, once its item is done, and the report. */
import type OpenAI from "openai";
import type { Screen } from "../screen.ts";
import { numberSources, readAnswer } from "./report.ts";

type Item = OpenAI.Responses.ResponseOutputItem;

const MAX_LINE_LENGTH = 97;

/** The worker that made the step, at the event with this number. */
interface StepWorker {
  number: number;
  workerPid: number;
}

export function showStep(screen: Screen, { number, workerPid }: StepWorker, item: Item): void {
  const step = describeStep(item);
  if (step === undefined) return;
  const who = `event ${String(number).padStart(4)}  worker ${workerPid}  `;
  const margin = " ".repeat(who.length);
  screen.printLine(shorten(who + step));
  if ("status" in item && item.status === "incomplete") {
    screen.printLine(`${margin}cut off with its worker: closed as incomplete`, "yellow");
  }
  for (const line of describeOutcome(item)) screen.printLine(shorten(margin + line), "dim");
}

function shorten(line: string): string {
  return line.length <= MAX_LINE_LENGTH ? line : `${line.slice(0, MAX_LINE_LENGTH - 1)}…`;
}

/** Announces a step that takes a while. */
export function showStarted(screen: Screen, item: Item): void {
  if (item.type === "code_interpreter_call") screen.showWaiting("Writing and running Python");
  if (item.type === "message") screen.showWaiting("Writing the report");
}

/** Returns undefined for items that are not steps. */
function describeStep(item: Item): string | undefined {
  switch (item.type) {
    case "web_search_call":
      return describeSearch(item);
    case "mcp_list_tools":
      return `asks ${item.server_label} for its tools: ${item.tools.map(({ name }) => name).join(", ")}`;
    case "mcp_call":
      return `calls ${item.server_label}.${item.name} ${item.arguments}`;
    case "code_interpreter_call":
      return `runs ${item.code?.split("\n").length ?? 0} lines of Python`;
    case "reasoning":
      return "thinks";
    case "message":
      return "writes the report";
    default:
      return undefined;
  }
}

function describeSearch({ action }: Extract<Item, { type: "web_search_call" }>): string {
  switch (action.type) {
    case "search":
      return `searches, and finds ${action.sources?.length ?? 0} pages`;
    case "open_page":
      return `opens ${action.url ?? "a page"}`;
    case "find_in_page":
      return `finds “${action.pattern}” in ${action.url}`;
  }
}

/** The query of a search or the outcome of a step, line by line. */
export function describeOutcome(item: Item): string[] {
  const error = "error" in item && item.error != null ? [JSON.stringify(item.error)] : [];
  if (item.type === "mcp_call") return [...(item.output ?? "").split("\n"), ...error].filter((line) => line !== "");
  if (item.type === "web_search_call" && item.action.type === "search") {
    return (item.action.queries ?? []).map((query) => `“${query}”`);
  }
  if (item.type !== "code_interpreter_call") return error;
  const logs = (item.outputs ?? []).map((output) => (output.type === "logs" ? output.logs : "[an image]"));
  return logs.join("").trimEnd().split("\n");
}

/** Links become numbers, with the sources below. */
export function showReport(screen: Screen, response: OpenAI.Responses.Response): void {
  screen.printHeading("The report, and its sources");
  const { text, citations } = readAnswer(response);
  const report = numberSources(text, citations);
  for (const line of report.text.split("\n")) {
    if (line === "") screen.printLine("");
    screen.text(line);
    screen.endText();
  }
  screen.printLine("");
  for (const [i, { title, url }] of report.sources.entries())
    screen.printLine(shorten(`[${i + 1}] ${title}, ${url}`), "dim");
}
