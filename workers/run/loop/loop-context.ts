/** The state that the steps of a loop share. `runLoop` opens it once per attempt. */
import type { Logger } from "pino";
import type { ResolvedModel } from "../../../src/providers/catalog.ts";
import type { ModelInput } from "../../../src/responses/conversations/model-input.ts";
import type { Storage } from "../../../src/responses/storage.ts";
import type { Attempt } from "../../attempt/attempt.ts";
import type { RunJournal } from "../../attempt/run-journal.ts";
import type { RemoteRunTracker } from "../../remote/remote-run-tracker.ts";
import type { ServerTools } from "../../tools/registry.ts";
import type { ExecutedCall } from "../../tools/tool-items.ts";
import type { OpenTools } from "../../tools/tool.ts";
import type { Upstream } from "../../upstreams/upstream.ts";
import type { OutputItems } from "../../attempt/output-items.ts";
import { collectExecutedCalls } from "./read-executed-calls.ts";
import type { RunBudget } from "./run-budget.ts";
import type { TurnRetries } from "./turn-retries.ts";

export interface LoopDependencies {
  storage: Storage;
  logger: Logger;
  serverTools: ServerTools;
  /** Whether upstreams are checked against the legal orders of events. */
  isStrict: boolean;
  /** Whether calls for the client are recorded piece by piece instead of whole. */
  streamsCalls: boolean;
  /** Maximum tool calls in one response, even if its request allows more. */
  maxToolCalls: number;
  /** Whether a run ends before its next turn once its project has reached its spend limit. */
  stopsAtSpendLimit?: boolean | undefined;
  /** Undefined if no provider runs responses in its own background. */
  remoteRuns?: RemoteRunTracker | undefined;
}

/** The model and the input that an attempt generates from, and the output it adds to. */
export interface Generation {
  upstream: Upstream;
  resolved: ResolvedModel;
  input: ModelInput;
  /** What the model sees of the input. */
  seen: Pick<ModelInput, "preamble" | "input">;
  output: OutputItems;
}

export interface LoopContext extends Generation {
  dependencies: LoopDependencies;
  attempt: Attempt;
  journal: RunJournal;
  tools: OpenTools;
  /** Calls of earlier responses that the history shows, by item id. */
  earlierCalls: ReadonlyMap<string, ExecutedCall>;
  budget: RunBudget;
  retries: TurnRetries;
}

/** Calls of this response, and of earlier ones as far as the history shows them, by item id. */
export function findExecutedCalls({ attempt, journal, earlierCalls }: LoopContext): Map<string, ExecutedCall> {
  return new Map([...earlierCalls, ...collectExecutedCalls(attempt.id, journal)]);
}
