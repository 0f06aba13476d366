/** A thread that reads what strangers wrote, one thing after the other, until it is ended. */
import { parentPort } from "node:worker_threads";
import { type ExtractedPage, extractPage, type HtmlPage } from "./extract-page.ts";
import { isAllowedByRobots, type RobotsQuestion } from "./robots-rules.ts";

export type ExtractionRequest = { page: HtmlPage; textMaximum: number } | { robots: RobotsQuestion };
export type ExtractionAnswer = { page: ExtractedPage } | { isOpen: boolean } | { error: string };

parentPort!.on("message", (request: ExtractionRequest) => {
  let answer: ExtractionAnswer;
  try {
    answer =
      "page" in request
        ? { page: extractPage(request.page, request.textMaximum) }
        : { isOpen: isAllowedByRobots(request.robots) };
  } catch (error) {
    answer = { error: String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(answer);
});
