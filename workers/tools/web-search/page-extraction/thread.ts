/** A thread that processes untrusted text, one request after another, until it is terminated. */
import { parentPort } from "node:worker_threads";
import { type ExtractedPage, extractPage, type HtmlPage } from "../../../documents/html/extract-page.ts";
import { isAllowedByRobots, type RobotsQuestion } from "./robots-rules.ts";

export type ExtractionRequest =
  | { kind: "page"; page: HtmlPage; textMaximum: number }
  | { kind: "robots"; robots: RobotsQuestion };
export type ExtractionAnswer =
  | { kind: "page"; page: ExtractedPage }
  | { kind: "robots"; isAllowed: boolean }
  | { kind: "error"; error: string };

parentPort!.on("message", (request: ExtractionRequest) => {
  let answer: ExtractionAnswer;
  try {
    answer =
      request.kind === "page"
        ? { kind: "page", page: extractPage(request.page, request.textMaximum) }
        : { kind: "robots", isAllowed: isAllowedByRobots(request.robots) };
  } catch (error) {
    answer = { kind: "error", error: String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(answer);
});
