/**
 * Every client has a run on one worker when that worker is killed, or asked to leave; another worker takes over. The
 * clients are connected to the API, which survives, so they see only a pause.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Response } from "../../../src/protocol/response.ts";
import { RedisInspector } from "../../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../../support/processes.ts";
import { ANNOUNCEMENT, type Payment, providersFileOf, StoppingVendor } from "../../support/stopping-vendor.ts";
import { actOnFinalResponse } from "../../support/acting-client.ts";
import { simulator } from "./requests.ts";
import type { ClientAnswer, ClientRun, RunClient } from "./runs/run.ts";

export type Loss = "SIGKILL" | "SIGTERM";

/** What a client saw and did, and the server's record of its first response. */
export interface Experience extends ClientAnswer {
  deltas: readonly string[];
  payments: readonly Payment[];
  record: Record<string, string>;
  /** The worker that is lost. */
  lost: ServerProcess;
}

/** By the client's name. All are settled. */
export type Experiences = ReadonlyMap<string, Promise<Experience>>;

/**
 * The API finds a lost worker within two seconds, and a leaving worker hands over runs that last longer than a moment.
 */
const SHORT = { LOCK_DURATION_MS: "1000", STALLED_INTERVAL_MS: "400", DRAIN_GRACE_MS: "300" };
/** Seconds of text: the worker leaves once the slowest client has seen the first words. No client's tool is called. */
const LONG_TEXT = { tokens: 160, delay_ms: 15, calls: 0 };
const DELTAS_SEEN = 5;

interface Going {
  loss: Loss;
  questionFor: (client: string) => Pick<ClientRun, "model" | "question" | "metadata">;
  /** Whether this client has seen enough for the worker to leave. */
  isSeen: (deltas: readonly string[]) => boolean;
  /** A further condition. */
  untilReady?: () => Promise<void>;
}

export class LosingServer implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #environment: Record<string, string>;
  readonly #runs: ReadonlyMap<string, RunClient>;
  readonly #api: ApiProcess;
  readonly #vendor: StoppingVendor;
  readonly #inspector: RedisInspector;
  /** The next worker to leave. */
  #worker: ServerProcess;

  private constructor(
    stack: AsyncDisposableStack,
    environment: Record<string, string>,
    runs: ReadonlyMap<string, RunClient>,
    parts: { api: ApiProcess; vendor: StoppingVendor; inspector: RedisInspector; worker: ServerProcess },
  ) {
    this.#stack = stack;
    this.#environment = environment;
    this.#runs = runs;
    this.#api = parts.api;
    this.#vendor = parts.vendor;
    this.#inspector = parts.inspector;
    this.#worker = parts.worker;
  }

  /** A page of the clients' origin may use it; keys are not needed, because an EventSource sends none. */
  static async start(runs: ReadonlyMap<string, RunClient>, prefix: string, origin: string): Promise<LosingServer> {
    await using stack = new AsyncDisposableStack();
    const vendor = stack.use(await StoppingVendor.start({ stopsOf: () => 1 }));
    const folder = await mkdtemp(join(tmpdir(), "background-responses-loss-"));
    stack.defer(async () => await rm(folder, { recursive: true }));
    const PROVIDERS_FILE = join(folder, "providers.json");
    await writeFile(PROVIDERS_FILE, providersFileOf(vendor));
    const environment = { KEY_PREFIX: prefix, CORS_ORIGINS: origin, PROVIDERS_FILE, ...SHORT };
    const [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
    stack.use(api);
    const inspector = stack.use(new RedisInspector(prefix));
    return new LosingServer(stack.move(), environment, runs, { api, vendor, inspector, worker });
  }

  /** The worker leaves in the middle of every client's text. */
  async inText(loss: Loss): Promise<Experiences> {
    const { model, input: question, metadata } = simulator(LONG_TEXT);
    return await this.#lose({
      loss,
      questionFor: () => ({ model, question, metadata }),
      isSeen: (deltas) => deltas.length >= DELTAS_SEEN,
    });
  }

  /** The worker leaves when every client's model has written half of a call's arguments. */
  async inCall(loss: Loss): Promise<Experiences> {
    const payees = [...this.#runs.keys()].map((name) => payeeOf(name, loss));
    return await this.#lose({
      loss,
      questionFor: (client) => ({ model: "stopping/any", question: payeeOf(client, loss), metadata: {} }),
      // The vendor sent it together with the call's first half, so the worker has received both.
      isSeen: (deltas) => deltas.join("") === ANNOUNCEMENT,
      untilReady: async () =>
        await this.#vendor.condition.waitUntil(() => payees.every((payee) => this.#vendor.isHeld(payee))),
    });
  }

  async #lose({ loss, questionFor, isSeen, untilReady }: Going): Promise<Experiences> {
    const runs = [...this.#runs].map(([name, run]) => {
      const seen = Promise.withResolvers<void>();
      const deltas: string[] = [];
      const payments: Payment[] = [];
      const answer = run({
        url: this.#api.url,
        ...questionFor(name),
        onText: (delta) => {
          deltas.push(delta);
          if (isSeen(deltas)) seen.resolve();
        },
        pay: (payment) => {
          payments.push(payment);
          return `Paid ${payment.amount} to ${payment.payee}.`;
        },
      });
      return { name, deltas, payments, answer, seen: seen.promise };
    });
    const early = Promise.race(
      runs.map(async ({ name, answer }) => {
        await answer;
        throw new Error(`${name} was answered before the worker went.`);
      }),
    );
    await Promise.race([early, Promise.all([...runs.map(({ seen }) => seen), untilReady?.()])]);
    early.catch(() => undefined);
    const lost = await this.#replaceWorker(loss);
    const experiences = new Map(runs.map((run) => [run.name, this.#describe(run, lost)]));
    await Promise.allSettled(experiences.values());
    return experiences;
  }

  async #replaceWorker(loss: Loss): Promise<ServerProcess> {
    const lost = this.#worker;
    lost.kill(loss);
    [this.#worker] = await Promise.all([startWorker(this.#environment), lost.exited]);
    return lost;
  }

  async #describe(
    { answer, deltas, payments }: { answer: Promise<ClientAnswer>; deltas: string[]; payments: Payment[] },
    lost: ServerProcess,
  ): Promise<Experience> {
    const { text, responseId } = await answer;
    return { text, responseId, deltas, payments, lost, record: await this.#inspector.meta(responseId) };
  }

  /** The text of the response on the server. */
  async textOf(responseId: string): Promise<string> {
    const last = (await this.#inspector.log(responseId)).at(-1)!;
    return actOnFinalResponse((JSON.parse(last) as { response: Response }).response).text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** A unique one for each run. */
export function payeeOf(client: string, loss: Loss): string {
  return `${loss} ${client}`.replaceAll(/[^a-z0-9]+/gi, "-");
}
