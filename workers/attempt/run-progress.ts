/**
 * What an attempt tells people about its run: the current step, and the totals so far. It notes them in the record with
 * the events that follow. A later attempt continues the totals from the record.
 */
import type { RunFacts, ToolCallCounts } from "../../src/lifecycle/run-facts.ts";
import { addUsage, NO_USAGE } from "../../src/lifecycle/usage.ts";
import type { RunStep } from "../../src/protocol/run.ts";
import type { Usage } from "../../src/protocol/response.ts";
import type { Clock } from "../../src/redis/redis-clock.ts";
import type { EventWriter } from "../../src/stream/log/event-writer.ts";
import type { Reported } from "../../src/telemetry/channels.ts";

type CallingModel = Extract<RunStep, { type: "calling_model" }>;
type RunningTool = Extract<RunStep, { type: "running_tools" }>["tools"][number];

/** The facts that a run continues from. */
export type EarlierFacts = Partial<
  Pick<RunFacts, "turns" | "turnStarts" | "toolCalls" | "usage" | "costUsd" | "firstEventAtMs" | "servedModel">
>;

/** A run with more turns shows where the first ones begin. */
const MAX_TURN_STARTS = 500;

export class RunProgress {
  /** Identifies the response in reports. */
  readonly reported: Reported;
  /** The number of the attempt. */
  readonly attempt: number;
  readonly #writer: EventWriter;
  readonly #clock: Clock;
  readonly #tools = new Map<string, RunningTool>();
  readonly #toolCalls: ToolCallCounts;
  readonly #turnStarts: number[];
  #usage: Usage | undefined;
  #costUsd: number | undefined;
  #hasFirstEvent: boolean;
  /** The provider and its model of the current or last call. */
  #served: { provider: string; model: string } | undefined;

  constructor(writer: EventWriter, clock: Clock, reported: Reported, attempt: number, earlier: EarlierFacts) {
    this.reported = reported;
    this.attempt = attempt;
    this.#writer = writer;
    this.#clock = clock;
    this.#toolCalls = { ...earlier.toolCalls };
    this.#turnStarts = [...(earlier.turnStarts ?? [])];
    this.#usage = earlier.usage;
    this.#costUsd = earlier.costUsd;
    this.#hasFirstEvent = earlier.firstEventAtMs !== undefined;
  }

  /** The provider of the current or last model call. */
  get provider(): string {
    return this.#served?.provider ?? "";
  }

  /** What the run has cost, in US dollars; undefined without a price. */
  get costUsd(): number | undefined {
    return this.#costUsd;
  }

  enterModelCall(call: Omit<CallingModel, "type" | "since_ms">): void {
    this.#served = { provider: call.provider, model: call.model };
    const step = { type: "calling_model", since_ms: this.#clock.nowMs(), ...call } as const;
    this.#writer.note({ step, turns: call.turn, ...this.#startTurn(call.turn) });
  }

  /** A turn that is tried again keeps its start. */
  #startTurn(turn: number): { turnStarts?: readonly number[] } {
    if (turn <= this.#turnStarts.length || turn > MAX_TURN_STARTS) return {};
    const start = this.#writer.state.response.output.length;
    while (this.#turnStarts.length < turn) this.#turnStarts.push(start);
    return { turnStarts: [...this.#turnStarts] };
  }

  noteFirstEvent(): void {
    if (this.#hasFirstEvent) return;
    this.#hasFirstEvent = true;
    this.#writer.note({ firstEventAtMs: this.#clock.nowMs() });
  }

  /** Adds what a model call used. `costUsd` is undefined without a price. */
  addModelCall(usage: Usage | undefined, costUsd: number | undefined): void {
    if (usage === undefined) return;
    this.#usage = addUsage(this.#usage ?? NO_USAGE, usage);
    if (costUsd !== undefined) this.#costUsd = (this.#costUsd ?? 0) + costUsd;
    this.#writer.note({
      usage: this.#usage,
      ...(this.#costUsd !== undefined && { costUsd: this.#costUsd }),
      ...(this.#served !== undefined && { servedModel: `${this.#served.provider}/${this.#served.model}` }),
    });
  }

  enterTool(callId: string, type: string, name: string): void {
    this.#tools.set(callId, { type, name, since_ms: this.#clock.nowMs() });
    this.#noteTools();
  }

  /** While a server lists its tools. A listing that fails is counted like a failed call. */
  async trackListing<T extends { isListed: boolean }>(type: string, server: string, run: () => Promise<T>): Promise<T> {
    const key = `${type} ${server}`;
    this.enterTool(key, type, server);
    let isListed = false;
    try {
      const listed = await run();
      ({ isListed } = listed);
      return listed;
    } finally {
      if (isListed) this.#tools.delete(key);
      else this.leaveTool(key, true);
    }
  }

  /** Counts a tool call that has ended. */
  leaveTool(callId: string, isError: boolean): void {
    const tool = this.#tools.get(callId);
    if (tool === undefined) return;
    this.#tools.delete(callId);
    const { completed, failed } = this.#toolCalls[tool.type] ?? { completed: 0, failed: 0 };
    this.#toolCalls[tool.type] = isError ? { completed, failed: failed + 1 } : { completed: completed + 1, failed };
    this.#writer.note({ toolCalls: { ...this.#toolCalls } });
    this.#noteTools();
  }

  #noteTools(): void {
    const tools = [...this.#tools.values()];
    const [first] = tools;
    if (first !== undefined) this.#writer.note({ step: { type: "running_tools", since_ms: first.since_ms, tools } });
  }

  /** Notes why the response ends without an answer. `cause` is for the operator. */
  noteError(code: string, message: string, cause: string | undefined): void {
    this.#writer.note({ errorCode: code, errorMessage: message, ...(cause !== undefined && { errorCause: cause }) });
  }
}
