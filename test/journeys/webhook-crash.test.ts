/** No event is lost, whichever process is killed: API, worker or Redis, while the receiver fails at random. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { expect, test } from "vitest";
import { startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { webhookEventSchema } from "../../src/protocol/webhook.ts";
import { send, simulate } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { acknowledge, answerWith, type ReceivedTry, unwrap, WebhookReceiver } from "../support/webhook-receiver.ts";

const RESPONSES = 200;
const PROJECTS = ["alpha", "beta"] as const;
const keyOf = (project: string) => `key-of-${project}-0001`;

test("every event of 200 responses arrives, in its project alone", { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "webhook-crash-"));
  const random = seededRandom(7);
  const acknowledged = new Map<string, ReceivedTry>();
  await using receiver = await WebhookReceiver.start((response, tried) => {
    if (random() < 0.3) return answerWith(503)(response, tried);
    acknowledged.set(responseIdOf(tried), tried);
    return acknowledge(response, tried);
  });
  let redis = await startPrivateRedis({ dataDir: folder });
  const environment = {
    KEY_PREFIX: uniquePrefix(),
    REDIS_URL: redis.url,
    API_KEYS: PROJECTS.map((project) => `${project}:${keyOf(project)}`).join(","),
    FETCH_ALLOWED_HOSTS: "127.0.0.1",
    WEBHOOKS_ALLOW_HTTP: "true",
    WEBHOOK_RETRY_DELAY_MS: "50",
  };
  let api = await startApi(environment);
  let workers: ServerProcess[] = await Promise.all([startWorker(environment), startWorker(environment)]);
  try {
    const secrets = new Map<string, string>();
    for (const project of PROJECTS) {
      const client = new OpenAI({ apiKey: keyOf(project), baseURL: api.url });
      const event_types = ["response.completed" as const, "response.cancelled" as const];
      const created = await client.webhooks.create({ name: project, url: receiver.url + project, event_types });
      secrets.set(project, created.signing_secret);
    }
    const accepted = new Map<string, string>();
    const accept = async (i: number): Promise<void> => {
      const project = PROJECTS[i % 2]!;
      const headers = { authorization: `Bearer ${keyOf(project)}`, "idempotency-key": `response-${i}` };
      const body = simulate({ tokens: 3 + (i % 10), delay_ms: 10 });
      // A client whose connection was cut sends the request again.
      const answer = await pollUntil(
        async () => await send("POST", `${api.url}/responses`, body, headers).catch(() => undefined),
        (each) => each?.status === 200,
      );
      accepted.set(answer!.body.id, project);
    };
    const wave = (from: number) => Promise.all(Array.from({ length: RESPONSES / 4 }, (_, i) => accept(from + i)));
    const heard = (share: number) => receiver.until(({ length }) => length >= share * accepted.size);

    await wave(0);
    await heard(0.3);
    workers[0]!.kill("SIGKILL");
    const second = wave(50);
    await heard(0.3);
    api.kill("SIGKILL");
    await api.exited;
    api = await startApi({ ...environment, PORT: new URL(api.url).port });
    await second;
    const third = wave(100);
    await heard(0.4);
    redis.kill("SIGKILL");
    await redis.exited;
    redis = await startPrivateRedis({ dataDir: folder, port: redis.port });
    await third;
    const fourth = wave(150);
    await heard(0.5);
    // Every worker dies, and ends that no worker has settled wait for the next one.
    for (const worker of workers) worker.kill("SIGKILL");
    await fourth;
    workers = [await startWorker(environment)];

    expect(accepted.size).toBe(RESPONSES);
    await receiver.until(() => [...accepted.keys()].every((id) => acknowledged.has(id)));
    for (const tried of acknowledged.values()) {
      const project = tried.path.slice(1);
      const event = await unwrap(tried, secrets.get(project)!);
      expect(accepted.get(event.data.id)).toBe(project);
      expect(event.type).toBe("response.completed");
    }
    const ids = Map.groupBy(receiver.tries, responseIdOf);
    for (const tries of ids.values()) {
      expect(new Set(tries.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    }
  } finally {
    for (const each of [api, ...workers]) await each[Symbol.asyncDispose]();
    redis.kill("SIGKILL");
    await redis.exited;
    await rm(folder, { recursive: true, force: true });
  }
});

function responseIdOf({ body }: ReceivedTry): string {
  return webhookEventSchema.parse(JSON.parse(body)).data.id;
}
