/** Every client that can perform a run. */
import type { FollowingPage } from "../../../support/following-page.ts";
import { LINES } from "../../ai-sdk/lines.ts";
import { CLIENTS } from "../clients.ts";
import { runAgents } from "./agents.ts";
import { runAiSdk } from "./ai-sdk.ts";
import { runEventSource } from "./event-source.ts";
import { runLangGraph } from "./langgraph.ts";
import { runOpenAi } from "./openai.ts";
import type { RunClient } from "./run.ts";

/** By the clients' names. The page is requested when a run begins. */
export function allRuns(pageOf: () => FollowingPage): Map<string, RunClient> {
  return new Map([
    ...CLIENTS.map(([name, official]): [string, RunClient] => [name, runOpenAi(official)]),
    ["@openai/agents", runAgents],
    ["LangGraph", runLangGraph],
    ...LINES.map(([name, line]): [string, RunClient] => [name, runAiSdk(line)]),
    ["EventSource in Chromium", runEventSource(pageOf)],
  ]);
}
