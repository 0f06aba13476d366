/** Reports a model call: its step in the record, its retries and fallbacks, and what it used. */
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { computeCostUsd } from "../../src/providers/price.ts";
import type { ResponseError, Usage } from "../../src/protocol/response.ts";
import { channels, type ModelCallReport } from "../../src/telemetry/channels.ts";
import type { RunProgress } from "../attempt/run-progress.ts";
import { SilenceWatch } from "./silence-watch.ts";
import type { CallObserver, UpstreamFinish } from "../upstreams/upstream.ts";

/** Longer than a model thinks without a sign in most cases, and much shorter than the timeouts. */
const SILENCE_MS = 60_000;

/** The part of a call's report that upstreams and streams of events add to. */
export interface ModelCallTracker extends CallObserver {
  /** Called for each event of the model. */
  noteEvent(): void;
}

/** Runs one model call and reports it. */
export async function trackModelCall(
  progress: RunProgress,
  { turn, resolved }: { turn: number; resolved: ResolvedModel },
  run: (tracker: ModelCallTracker) => Promise<UpstreamFinish>,
): Promise<UpstreamFinish> {
  const call = new TrackedCall(progress, turn, resolved);
  using _silence = call.silence;
  return await channels.modelCall.tracePromise(async () => call.end(await run(call)), call.report);
}

class TrackedCall implements ModelCallTracker {
  readonly report: ModelCallReport;
  readonly #progress: RunProgress;
  readonly #turn: number;
  readonly #startedMs = performance.now();
  readonly silence = new SilenceWatch(SILENCE_MS, (silentMs) => this.#reportSilence(silentMs));
  #served: ResolvedModel;

  constructor(progress: RunProgress, turn: number, resolved: ResolvedModel) {
    this.#progress = progress;
    this.#turn = turn;
    this.#served = resolved;
    const { provider, model } = resolved;
    this.report = {
      ...progress.reported,
      attempt: progress.attempt,
      turn,
      provider: provider.name,
      providerModel: model,
    };
    this.#enter();
  }

  #enter(failure?: { retries: number; error: string }): void {
    const { provider, model } = this.#served;
    this.#progress.enterModelCall({ turn: this.#turn, provider: provider.name, model, ...failure });
  }

  #reportSilence(silentMs: number): void {
    const { provider, model: providerModel } = this.#served;
    channels.silence.publish({
      ...this.#progress.reported,
      provider: provider.name,
      providerModel,
      turn: this.#turn,
      silentMs: Math.round(silentMs),
    });
  }

  noteEvent(): void {
    this.silence.noteEvent();
    if (this.report.firstEventMs !== undefined) return;
    this.report.firstEventMs = performance.now() - this.#startedMs;
    this.#progress.noteFirstEvent();
  }

  onRetry({ error, cause, retries, delayMs }: Parameters<CallObserver["onRetry"]>[0]): void {
    const reason = cause === undefined ? error.message : `${error.message} (${cause})`;
    this.#enter({ retries, error: reason });
    this.silence.noteEvent(delayMs);
    const { name } = this.#served.provider;
    channels.retry.publish({
      ...this.#progress.reported,
      provider: name,
      code: error.code,
      reason,
      retries,
      delayMs: Math.round(delayMs),
    });
  }

  onFallback(fallback: ResolvedModel, error: ResponseError): void {
    this.#served = fallback;
    const { provider, model } = fallback;
    this.report.provider = provider.name;
    this.report.providerModel = model;
    this.#enter();
    channels.fallback.publish({
      ...this.#progress.reported,
      fallback: `${provider.name}/${model}`,
      code: error.code,
      reason: error.message,
    });
  }

  /** Adds the result to the report and to the run's totals. */
  end(finish: UpstreamFinish): UpstreamFinish {
    const usage = finish.status === "postponed" ? undefined : finish.usage;
    const costUsd = usage && this.#costOf(usage);
    Object.assign(this.report, { status: finish.status, code: codeOf(finish), usage, costUsd });
    this.#progress.addModelCall(usage, costUsd);
    return finish;
  }

  #costOf(usage: Usage): number | undefined {
    const { provider, model } = this.#served;
    const price = provider.prices?.[model];
    return price && computeCostUsd(usage, price);
  }
}

function codeOf(finish: UpstreamFinish): string | undefined {
  if (finish.status === "completed") return undefined;
  return finish.status === "incomplete" ? finish.details.reason : finish.error.code;
}
