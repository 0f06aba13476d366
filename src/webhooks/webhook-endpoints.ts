/**
 * The webhook endpoints of projects: those that clients create, in Redis with sealed secrets, and those of the operator's
 * file, which are read-only.
 */
import type { OperatorEndpoint } from "../config/webhooks-file.ts";
import { newId } from "../protocol/id.ts";
import type { WebhookEndpoint, WebhookEndpointWithSecret, WebhookEventType } from "../protocol/webhook.ts";
import type { Clock } from "../redis/redis-clock.ts";
import type { ContentSealer } from "../sealing/content-sealer.ts";
import type { WebhookDeliveries } from "../store/webhook-deliveries.ts";
import type { StoredWebhookEndpoint, WebhookEndpointStore } from "../store/webhook-endpoints.ts";
import {
  describeOperators,
  describeStored,
  type SigningTarget,
  type Target,
  toOperatorTarget,
  toTarget,
} from "./endpoint-views.ts";
import { hintOf, newSigningSecret } from "./signing-secrets.ts";

/** What a client sets. */
export interface EndpointFields {
  name: string;
  url: string;
  event_types: WebhookEventType[];
}

/** `read-only`: an endpoint of the operator. */
export type FindOutcome<E = WebhookEndpoint> =
  | { kind: "found"; endpoint: E }
  | { kind: "unknown" }
  | { kind: "read-only" };

const FORMER_SECRET_MS = 24 * 60 * 60 * 1000;
/** Rotations within a day beyond these end the oldest former secret early. */
const MAX_FORMER_SECRETS = 4;

export interface WebhookEndpointsParts {
  store: WebhookEndpointStore;
  deliveries: WebhookDeliveries;
  sealer: ContentSealer;
  clock: Clock;
  operatorEndpoints: readonly OperatorEndpoint[];
  environment: Readonly<NodeJS.ProcessEnv>;
}

export class WebhookEndpoints {
  readonly #store: WebhookEndpointStore;
  readonly #deliveries: WebhookDeliveries;
  readonly #sealer: ContentSealer;
  readonly #clock: Clock;
  readonly #operators: readonly OperatorEndpoint[];
  readonly #environment: Readonly<NodeJS.ProcessEnv>;

  constructor({ store, deliveries, sealer, clock, operatorEndpoints, environment }: WebhookEndpointsParts) {
    this.#store = store;
    this.#deliveries = deliveries;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#operators = operatorEndpoints;
    this.#environment = environment;
  }

  /** Whether the operator's file has an endpoint of the project. */
  hasOperatorEndpoints(project: string): boolean {
    return this.#operators.some((each) => each.project === project);
  }

  /** Undefined if the project has as many endpoints as `limit`. */
  async create(project: string, fields: EndpointFields, limit: number): Promise<WebhookEndpointWithSecret | undefined> {
    const id = newId("whe");
    const secret = newSigningSecret();
    const nowMs = this.#clock.nowMs();
    const endpoint: StoredWebhookEndpoint = {
      ...fields,
      event_types: [...new Set(fields.event_types)],
      signing_secret_hint: hintOf(secret),
      disabled_reason: null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      secret: this.#seal(project, secret),
      formerSecrets: [],
    };
    if (!(await this.#store.add(project, id, endpoint, limit))) return undefined;
    return { ...describeStored(id, endpoint), signing_secret: secret };
  }

  async find(project: string, id: string): Promise<FindOutcome> {
    const operator = this.#operators.find((each) => each.id === id && each.project === project);
    if (operator !== undefined) return { kind: "found", endpoint: describeOperators(operator) };
    const stored = await this.#store.read(project, id);
    return stored === undefined ? { kind: "unknown" } : { kind: "found", endpoint: describeStored(id, stored) };
  }

  /** Newest first. */
  async list(project: string): Promise<WebhookEndpoint[]> {
    const stored = [...(await this.#store.list(project))].toSorted(
      ([id, { createdAtMs }], [otherId, other]) => other.createdAtMs - createdAtMs || (id < otherId ? 1 : -1),
    );
    const operators = this.#operators.filter((each) => each.project === project);
    return [...stored.map(([id, each]) => describeStored(id, each)), ...operators.map(describeOperators)];
  }

  /** Enables a disabled endpoint if the change names its URL. */
  async update(project: string, id: string, changes: Partial<EndpointFields>): Promise<FindOutcome> {
    if (this.#isOperators(project, id)) return { kind: "read-only" };
    const changed = await this.#store.change(project, id, (before) => {
      const event_types = changes.event_types === undefined ? before.event_types : [...new Set(changes.event_types)];
      const disabled_reason = changes.url === undefined ? before.disabled_reason : null;
      const after = { ...before, ...changes, event_types, disabled_reason };
      const isChanged = JSON.stringify(after) !== JSON.stringify(before);
      return isChanged ? { ...after, updatedAtMs: this.#clock.nowMs() } : before;
    });
    if (changed === undefined) return { kind: "unknown" };
    if (changes.url !== undefined) await this.#deliveries.forgetFailures(id);
    return { kind: "found", endpoint: describeStored(id, changed) };
  }

  /** `keepsOld`: the secrets so far also sign for 24 hours. */
  async rotateSecret(
    project: string,
    id: string,
    { keepsOld }: { keepsOld: boolean },
  ): Promise<FindOutcome<WebhookEndpointWithSecret>> {
    if (this.#isOperators(project, id)) return { kind: "read-only" };
    const secret = newSigningSecret();
    const sealed = this.#seal(project, secret);
    const changed = await this.#store.change(project, id, (before) => {
      const nowMs = this.#clock.nowMs();
      const active = before.formerSecrets.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      const former = [{ secret: before.secret, expiresAtMs: nowMs + FORMER_SECRET_MS }, ...active];
      return {
        ...before,
        secret: sealed,
        signing_secret_hint: hintOf(secret),
        formerSecrets: keepsOld ? former.slice(0, MAX_FORMER_SECRETS) : [],
        updatedAtMs: nowMs,
      };
    });
    if (changed === undefined) return { kind: "unknown" };
    return { kind: "found", endpoint: { ...describeStored(id, changed), signing_secret: secret } };
  }

  async delete(project: string, id: string): Promise<"deleted" | "unknown" | "read-only"> {
    if (this.#isOperators(project, id)) return "read-only";
    return (await this.#store.erase(project, id)) ? "deleted" : "unknown";
  }

  /** Stops sending to the endpoint until a client updates its URL. An endpoint of the operator stays enabled. */
  async disable(project: string, id: string, url: string, reason: "gone" | "failing"): Promise<boolean> {
    const changed = await this.#store.change(project, id, (before) =>
      // A client may have changed the URL since the try.
      before.url !== url || before.disabled_reason !== null
        ? before
        : { ...before, disabled_reason: reason, updatedAtMs: this.#clock.nowMs() },
    );
    return changed?.disabled_reason === reason;
  }

  /** Every endpoint of the project, with what the relay needs. */
  async listTargets(project: string): Promise<Target[]> {
    const stored = [...(await this.#store.list(project))].map(([id, each]) => toTarget(project, id, each));
    return [...stored, ...this.#operators.filter((each) => each.project === project).map(toOperatorTarget)];
  }

  /** The endpoint as it is now. Undefined if the project has no such endpoint. */
  async findTarget(project: string, id: string): Promise<SigningTarget | undefined> {
    const operator = this.#operators.find((each) => each.id === id && each.project === project);
    if (operator !== undefined) {
      const secret = this.#environment[operator.secretVariable];
      return { ...toOperatorTarget(operator), secrets: secret === undefined ? [] : [secret] };
    }
    const stored = await this.#store.read(project, id);
    if (stored === undefined) return undefined;
    if (!this.#sealer.isCurrent(stored.secret)) await this.#sealAgain(project, id);
    const nowMs = this.#clock.nowMs();
    const active = stored.formerSecrets.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
    const sealed = [stored.secret, ...active.map(({ secret }) => secret)];
    return { ...toTarget(project, id, stored), secrets: sealed.flatMap((each) => this.#unseal(project, each, id)) };
  }

  #isOperators(project: string, id: string): boolean {
    return this.#operators.some((each) => each.id === id && each.project === project);
  }

  /** After a rotation of ENCRYPTION_KEYS, so that the operator can remove the old key. */
  async #sealAgain(project: string, id: string): Promise<void> {
    await this.#store.change(project, id, (before) => {
      const [secret] = this.#unseal(project, before.secret, id);
      return secret === undefined ? before : { ...before, secret: this.#seal(project, secret) };
    });
  }

  #seal(project: string, secret: string): string {
    return this.#sealer.seal(project, "webhook", secret);
  }

  #unseal(project: string, sealed: string, id: string): string[] {
    const secret = this.#sealer.tryUnseal(project, "webhook", sealed, id);
    return typeof secret === "string" ? [secret] : [];
  }
}
