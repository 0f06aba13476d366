/** A thread that evaluates untrusted rules, one request after another, until it is terminated. */
import { parentPort } from "node:worker_threads";
import { isAllowedByRobots, type RobotsQuestion } from "./robots-rules.ts";

export type RobotsAnswer = { kind: "answer"; isAllowed: boolean } | { kind: "error"; error: string };

parentPort!.on("message", (question: RobotsQuestion) => {
  let answer: RobotsAnswer;
  try {
    answer = { kind: "answer", isAllowed: isAllowedByRobots(question) };
  } catch (error) {
    answer = { kind: "error", error: String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort!.postMessage(answer);
});
