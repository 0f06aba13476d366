/**
 * The metrics of one process for Prometheus. They subscribe to the channels of reports, so nothing is counted in a process
 * that serves no metrics. Counters begin at 0 with the process and count what it saw; docs/operations/metrics.md lists all.
 */
import { Registry } from "prom-client";
import { collectModelCalls, collectToolCalls } from "./call-metrics.ts";
import { collectInstallation, type InstallationSources } from "./installation-metrics.ts";
import { type KnownModels, ModelValues } from "./label-values.ts";
import {
  collectProcess,
  collectSlots,
  collectStreams,
  type SlotReader,
  type StreamSources,
} from "./process-metrics.ts";
import { collectRuns } from "./run-metrics.ts";
import { collectEvents, collectRequests, collectWebhooks } from "./traffic-metrics.ts";

/** Scrapes within this time share one answer. */
const MAX_AGE_MS = 1_000;

export interface MetricSources extends InstallationSources {
  kind: "api" | "worker";
  release: string;
  models: KnownModels;
  /** Redis's time. */
  nowMs: () => number;
  /** How far this machine's clock is ahead of Redis's. */
  clockSkewMs: () => number;
  countReconnects: () => number;
  /** Of an API process. */
  streams?: StreamSources;
  /** Of a worker. */
  readSlots?: SlotReader;
}

export class Metrics implements Disposable {
  readonly #registry = new Registry();
  readonly #stops: (() => void)[];
  readonly #readInstallation: () => Promise<void>;
  #last: { text: Promise<string>; atMs: number } | undefined;

  constructor(sources: MetricSources) {
    const registry = this.#registry;
    const models = new ModelValues(sources.models);
    collectProcess(registry, sources);
    this.#readInstallation = collectInstallation(registry, sources);
    if (sources.streams !== undefined) collectStreams(registry, sources.streams);
    if (sources.readSlots !== undefined) collectSlots(registry, sources.readSlots);
    this.#stops = [
      ...collectRuns(registry, models, sources.nowMs),
      ...collectModelCalls(registry, models, sources.models.providers),
      ...collectToolCalls(registry),
      ...(sources.kind === "api" ? collectRequests(registry) : []),
      ...collectEvents(registry),
      ...collectWebhooks(registry),
    ];
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus's text format; at most a second old. */
  async render(): Promise<string> {
    if (this.#last === undefined || performance.now() - this.#last.atMs > MAX_AGE_MS) {
      this.#last = { text: this.#renderNow(), atMs: performance.now() };
    }
    return await this.#last.text;
  }

  async #renderNow(): Promise<string> {
    await this.#readInstallation();
    return await this.#registry.metrics();
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
    this.#registry.clear();
  }
}
