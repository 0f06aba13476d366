/** What the page of one run shows, as signals. Events are folded in small parts between frames, however fast they come. */
import { batch, type Signal, signal } from "@preact/signals";
import type { ResponseStreamEvent } from "../../../protocol/event.ts";
import type { Response } from "../../../protocol/response.ts";
import type { Run } from "../../../protocol/run.ts";
import { isTerminalStatus } from "../words/statuses.ts";
import { ApiError, query, request } from "../api/requests.ts";
import { type EventTime, EventTimes } from "./event-times.ts";
import { type Connection, type Follower, followRun } from "./follow-run.ts";
import { RunLog, type Step } from "./run-log.ts";

/** Time that folding may take of a frame. */
const FOLD_MS = 8;
/** Frames do not come in a hidden tab. */
const HIDDEN_FRAME_MS = 200;
const POLL_MS = 2000;
const TIMES_PER_PAGE = 1000;

export class RunView implements Follower {
  readonly id: string;
  readonly response: Signal<Response | undefined> = signal(undefined);
  /** Undefined on a server that does not show it. */
  readonly run: Signal<Run | undefined> = signal(undefined);
  readonly connection: Signal<Connection> = signal({ state: "connecting" });
  readonly stepCount = signal(0);
  /** Grows whenever times of steps have become known. */
  readonly timesVersion = signal(0);
  readonly times = new EventTimes();
  readonly #log = new RunLog();
  readonly #steps: Signal<Step>[] = [];
  readonly #controller = new AbortController();
  #showsTimes = true;
  #foldUntilMs = 0;
  #frame: Promise<void> | undefined;

  constructor(id: string) {
    this.id = id;
  }

  get last(): number {
    return this.#log.last;
  }

  get isOver(): boolean {
    return this.#log.isOver;
  }

  /** The steps that are shown. Others may be folded already, and appear in the next frame. */
  get steps(): readonly Step[] {
    return this.#steps.map((step) => step.peek());
  }

  stepAt(index: number): Signal<Step> {
    return this.#steps[index]!;
  }

  open(): void {
    void followRun(this.id, this, this.#controller.signal);
    void this.#pollRun();
  }

  close(): void {
    this.#controller.abort();
  }

  show(connection: Connection): void {
    this.connection.value = connection;
    // The end, its cause and its cost are of interest at once.
    if (connection.state === "over") void this.refresh();
  }

  /** Folds for some milliseconds of each frame, and shows the result once per frame. */
  async take(events: readonly ResponseStreamEvent[]): Promise<void> {
    for (const event of events) {
      if (performance.now() >= this.#foldUntilMs) {
        await this.#nextFrame();
        if (this.#controller.signal.aborted) return;
        this.#foldUntilMs = performance.now() + FOLD_MS;
      }
      this.#log.add(event);
    }
    void this.#nextFrame();
  }

  /** Resolves in the next frame, which shows all that was folded before it. */
  #nextFrame(): Promise<void> {
    this.#frame ??= waitForFrame().then(() => {
      this.#frame = undefined;
      this.#publish();
    });
    return this.#frame;
  }

  #publish(): void {
    const { steps, response } = this.#log.takeChanges();
    batch(() => {
      for (const index of steps) {
        const step = this.#log.steps[index]!;
        const known = this.#steps[index];
        if (known === undefined) this.#steps[index] = signal(step);
        else known.value = step;
      }
      this.stepCount.value = this.#steps.length;
      if (response) this.response.value = this.#log.response;
    });
  }

  /** Asks until the run has ended and its last events have their times. */
  async #pollRun(): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      if (!document.hidden) {
        const isLast = await this.refresh();
        if (isLast) return;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Whether nothing can change any more. */
  async refresh(): Promise<boolean> {
    try {
      this.run.value = await request<Run>("GET", `responses/${encodeURIComponent(this.id)}/run`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return true;
    }
    await this.#readTimes();
    const run = this.run.value;
    const isRead = this.isOver && (!this.#showsTimes || this.times.last >= 0);
    return isRead && run !== undefined && isTerminalStatus(run.status) && run.step.type === "ended";
  }

  async #readTimes(): Promise<void> {
    let hasMore = this.#showsTimes;
    while (hasMore && !this.#controller.signal.aborted) {
      try {
        const after = this.times.last >= 0 ? this.times.last : undefined;
        const path = `responses/${encodeURIComponent(this.id)}/event_times${query({ after, limit: TIMES_PER_PAGE })}`;
        const page = await request<{ data: EventTime[]; has_more: boolean }>("GET", path);
        this.times.add(page.data);
        hasMore = page.has_more && page.data.length > 0;
        if (page.data.length > 0) this.timesVersion.value += 1;
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) this.#showsTimes = false;
        return;
      }
    }
  }
}

async function waitForFrame(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (document.hidden) setTimeout(resolve, HIDDEN_FRAME_MS);
    else requestAnimationFrame(() => resolve());
  });
}
