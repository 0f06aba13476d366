/** The state of the queues of responses and of webhooks, for administrators and for metrics. */
import {
  type AnyQueueState,
  QUEUE_NAMES,
  type QueueName,
  type QueueState,
  WAITING_CLASSES,
  type WaitingClass,
  type WebhookQueueState,
} from "../../protocol/organization-queue.ts";
import type { QueueDepth } from "../../queue/queue-depth.ts";
import type { ResponseContext, Storage } from "../storage.ts";

/** Maximum age of an answer, however often it is requested. */
const MAX_AGE_MS = 2_000;
/** In the order of their windows, the next response to start is not the one that has waited longest. */
const ORDERED_BY_WINDOW: ReadonlySet<WaitingClass> = new Set(["related", "window"]);

export class QueueStates {
  readonly #context: Pick<ResponseContext, "queue" | "storage">;
  #last: { states: Promise<AnyQueueState[]>; atMs: number } | undefined;

  constructor(context: Pick<ResponseContext, "queue" | "storage">) {
    this.#context = context;
  }

  /** At most two seconds old. Rejects if Redis does not answer. */
  async read(): Promise<AnyQueueState[]> {
    if (this.#last === undefined || performance.now() - this.#last.atMs > MAX_AGE_MS) {
      const queues = [...QUEUE_NAMES.map((name) => this.#readOne(name)), this.#readWebhooks()];
      const last = { states: Promise.all(queues), atMs: performance.now() };
      this.#last = last;
      last.states.catch(() => {
        if (this.#last === last) this.#last = undefined;
      });
    }
    return await this.#last.states;
  }

  async #readWebhooks(): Promise<WebhookQueueState> {
    const { webhooks, workers, clock } = this.#context.storage;
    const [depth, outbox, live] = await Promise.all([
      webhooks.queue.readDepth(),
      webhooks.outbox.count(),
      workers.list(),
    ]);
    const { oldestEndedAtMs, ...counts } = depth;
    return {
      object: "organization.queue",
      name: "webhooks",
      ...counts,
      oldest_waiting_ms: oldestEndedAtMs === undefined ? null : Math.max(0, clock.nowMs() - oldestEndedAtMs),
      outbox,
      workers: live.length,
    };
  }

  async #readOne(name: QueueName): Promise<QueueState> {
    const { queue, storage } = this.#context;
    const [depth, workers] = await Promise.all([queue.readDepth(name), storage.workers.count(name)]);
    const by_class = await describeClasses(storage, depth);
    const classes = WAITING_CLASSES.map((each) => by_class[each]);
    const inOrder = WAITING_CLASSES.filter((each) => !ORDERED_BY_WINDOW.has(each));
    const longest = Math.max(-1, ...inOrder.map((each) => by_class[each].oldest_waiting_ms ?? -1));
    return {
      object: "organization.queue",
      name,
      waiting: classes.reduce((sum, { waiting }) => sum + waiting, 0),
      delayed: depth.delayed,
      active: depth.active,
      oldest_waiting_ms: longest < 0 ? null : longest,
      by_class,
      workers,
    };
  }
}

async function describeClasses(storage: Storage, { waiting }: QueueDepth): Promise<QueueState["by_class"]> {
  const describe = async (name: WaitingClass) => {
    const { count, nextId } = waiting[name];
    const waitedMs = nextId === undefined ? undefined : await storage.waitingTimes.read(nextId);
    return { waiting: count, oldest_waiting_ms: waitedMs === undefined ? null : Math.floor(waitedMs) };
  };
  const [first, priority, ordinary, flex, related, window] = await Promise.all([
    describe("first"),
    describe("priority"),
    describe("default"),
    describe("flex"),
    describe("related"),
    describe("window"),
  ]);
  return { first, priority, default: ordinary, flex, related, window };
}
