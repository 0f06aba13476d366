/** A thread that extracts pages, one after the other, until it is ended. */
import { parentPort } from "node:worker_threads";
import { type ExtractedPage, extractPage, type HtmlPage } from "./extract-page.ts";

export interface ExtractionRequest {
  page: HtmlPage;
  textMaximum: number;
}
export type ExtractionAnswer = { page: ExtractedPage } | { error: string };

parentPort!.on("message", ({ page, textMaximum }: ExtractionRequest) => {
  let answer: ExtractionAnswer;
  try {
    answer = { page: extractPage(page, textMaximum) };
  } catch (error) {
    answer = { error: String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(answer);
});
