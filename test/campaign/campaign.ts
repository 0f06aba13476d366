/**
 * Kills or stops workers one after the other, each while one of its responses is in the middle of a call or message.
 * Meanwhile many responses run, and trusting clients follow them all.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, RedisInspector } from "../support/api-client.ts";
import { Condition } from "../support/condition.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { type ErrorCounts, FollowedResponse } from "./followed-response.ts";
import type { OpenScenario, Scenario } from "./scenario.ts";

export interface CampaignOptions {
  redisUrl: string;
  scenario: OpenScenario;
  /** Workers to stop in the middle: alternately killed and drained. */
  losses: number;
}

export interface CampaignReport {
  name: string;
  kills: number;
  drains: number;
  /** How often a response lost its worker in the middle. */
  interruptions: number;
  responses: number;
  errors: ErrorCounts;
}

const WORKERS = 3;
/** At least this many workers stay to take over while others start. */
const WORKERS_LEFT = 1;
const RESPONSES_AT_ONCE = 16;

/**
 * A lost worker is found within two seconds, a draining one hands over almost at once, and no response runs out of
 * attempts.
 */
const SHORT = {
  LOCK_DURATION_MS: "1000",
  STALLED_INTERVAL_MS: "400",
  DRAIN_GRACE_MS: "200",
  MAX_ATTEMPTS: "1000",
  ISOLATE_AFTER_LOSSES: "1000",
};

export async function runCampaign({ redisUrl, scenario, losses }: CampaignOptions): Promise<CampaignReport> {
  await using stack = new AsyncDisposableStack();
  const condition = new Condition();
  const opened = stack.use(await scenario(condition));
  const folder = await mkdtemp(join(tmpdir(), "background-responses-campaign-"));
  stack.defer(async () => await rm(folder, { recursive: true }));
  const PROVIDERS_FILE = join(folder, "providers.json");
  await writeFile(PROVIDERS_FILE, JSON.stringify({ providers: opened.providers }));
  const prefix = `campaign-${randomBytes(6).toString("hex")}`;
  const environment = {
    REDIS_URL: redisUrl,
    KEY_PREFIX: prefix,
    NODE_COMPILE_CACHE: join(folder, "compiled"),
    ...(Object.keys(opened.providers).length > 0 && { PROVIDERS_FILE }),
    ...SHORT,
  };
  const api = stack.use(await startApi(environment));
  const inspector = stack.use(new RedisInspector(prefix, redisUrl));
  const campaign = stack.use(new Campaign(opened, condition, { environment, api, inspector }));
  return await campaign.run(losses);
}

interface Parts {
  environment: Record<string, string>;
  api: ApiProcess;
  inspector: RedisInspector;
}

class Campaign implements AsyncDisposable {
  readonly #scenario: Scenario;
  readonly #condition: Condition;
  readonly #parts: Parts;
  readonly #workers = new Set<ServerProcess>();
  readonly #starting = new Set<Promise<void>>();
  readonly #leaving = new Set<Promise<unknown>>();
  readonly #broken = Promise.withResolvers<never>();
  readonly #running = new Set<FollowedResponse>();
  readonly #errors: ErrorCounts = { incompleteCalls: 0, wrongCalls: 0, differentTexts: 0, notCompleted: 0 };
  #responses = 0;
  #interruptions = 0;
  #isOver = false;

  constructor(scenario: Scenario, condition: Condition, parts: Parts) {
    this.#scenario = scenario;
    this.#condition = condition;
    this.#parts = parts;
  }

  async run(losses: number): Promise<CampaignReport> {
    for (let i = 0; i < WORKERS; i += 1) this.#startWorker();
    const responses = Promise.all(Array.from({ length: RESPONSES_AT_ONCE }, async () => await this.#keepOneRunning()));
    const lost = { SIGKILL: 0, SIGTERM: 0 };
    await Promise.race([this.#broken.promise, responses, this.#takeWorkersAway(losses, lost)]);
    this.#isOver = true;
    this.#scenario.release();
    await Promise.race([this.#broken.promise, responses]);
    return {
      name: this.#scenario.name,
      kills: lost.SIGKILL,
      drains: lost.SIGTERM,
      interruptions: this.#interruptions,
      responses: this.#responses,
      errors: this.#errors,
    };
  }

  async #takeWorkersAway(losses: number, lost: Record<"SIGKILL" | "SIGTERM", number>): Promise<void> {
    while (lost.SIGKILL + lost.SIGTERM < losses) {
      const worker = await this.#workerInTheMiddle();
      const signal = lost.SIGKILL <= lost.SIGTERM ? "SIGKILL" : "SIGTERM";
      const interrupted = await this.#countInTheMiddle(worker);
      // Meanwhile it may have left its middle.
      if (interrupted === 0) continue;
      this.#take(worker, signal);
      this.#interruptions += interrupted;
      lost[signal] += 1;
    }
  }

  /** How many responses of this worker are in their middle. */
  async #countInTheMiddle(worker: ServerProcess): Promise<number> {
    const { inspector } = this.#parts;
    const held: FollowedResponse[] = [];
    for (const response of this.#inTheMiddle()) {
      const { worker: name } = await inspector.meta(response.id);
      if (isNamed(worker, name)) held.push(response);
    }
    return held.filter((response) => this.#scenario.isInTheMiddle(response)).length;
  }

  #take(worker: ServerProcess, signal: "SIGKILL" | "SIGTERM"): void {
    this.#workers.delete(worker);
    worker.kill(signal);
    const left = worker.exited.finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
    this.#startWorker();
  }

  /** Of the workers that may stop: enough others remain. */
  async #workerInTheMiddle(): Promise<ServerProcess> {
    for (;;) {
      const { changes } = this.#condition;
      if (this.#workers.size > WORKERS_LEFT) {
        for (const { id } of this.#inTheMiddle()) {
          const { worker: name } = await this.#parts.inspector.meta(id);
          const found = [...this.#workers].find((worker) => isNamed(worker, name));
          if (found !== undefined) return found;
        }
      }
      await this.#condition.waitForChangeAfter(changes);
    }
  }

  #inTheMiddle(): FollowedResponse[] {
    return [...this.#running].filter((response) => this.#scenario.isInTheMiddle(response));
  }

  #startWorker(): void {
    const started = startWorker(this.#parts.environment)
      .then((worker) => {
        this.#workers.add(worker);
        this.#condition.notify();
      }, this.#broken.reject)
      .finally(() => this.#starting.delete(started));
    this.#starting.add(started);
  }

  async #keepOneRunning(): Promise<void> {
    while (!this.#isOver) {
      const number = this.#responses++;
      const { url } = this.#parts.api;
      const { id } = await create(url, this.#scenario.request(number));
      const response = new FollowedResponse(number, id);
      this.#running.add(response);
      await response.follow(url, () => this.#condition.notify());
      this.#running.delete(response);
      const errors = response.countErrors(this.#scenario.calls(number));
      for (const [name, count] of Object.entries(errors)) this.#errors[name as keyof ErrorCounts] += count;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#starting, ...this.#leaving]);
    await Promise.all([...this.#workers].map(async (worker) => await worker[Symbol.asyncDispose]()));
  }
}

/** By the worker's name in the record. */
function isNamed(worker: ServerProcess, name: string | undefined): boolean {
  return name?.endsWith(`:${worker.child.pid}`) === true;
}
