/** The index of `GET /responses`. Acceptance adds a response, and its removal from the in-flight set records its end. */
import type { ResponseStatus } from "../../protocol/response.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import { listKeys } from "./list-scripts.ts";
import { digestToken, ListIndex, metadataTokens } from "./list-index.ts";
import {
  answerScript,
  enlistOpenScript,
  findLeftOpenScript,
  findUnlistedScript,
  markEndingScript,
} from "./response-list-scripts.ts";

const LEFT_OPEN_PAGE = 200;
/** Approval requests of one response, and answers of one request, that are tracked. */
const MAX_APPROVALS = 64;
/** Without a space, and with the slash or the letters of names that people give. */
const SHORT_NAME = /^[\w./@:+-]{1,40}$/;

export interface ListedProperties {
  model: string;
  background?: boolean | null | undefined;
  metadata?: Readonly<Record<string, string>> | null | undefined;
}

/** The tokens of a response that runs. */
export function openTokensOf({ model, background, metadata }: ListedProperties): string {
  return [
    "all",
    "open",
    modelToken(model),
    backgroundToken(background ?? false),
    ...metadataTokens(metadata ?? {}),
  ].join(" ");
}

/** Most names can be a token, and every acceptance saves a digest. */
export const modelToken = (model: string): string =>
  SHORT_NAME.test(model) ? `model-${model}` : digestToken("long-model", model);
export const backgroundToken = (background: boolean): string => (background ? ".background" : ".foreground");

/**
 * The tokens that a response with one of these statuses can have. The terminal event is visible shortly before the index
 * has it, so readers check the record of an open response.
 */
export function statusTokens(statuses: readonly ResponseStatus[]): string[] {
  const tokens = new Set<string>(
    statuses.map((status) => (status === "queued" || status === "in_progress" ? "open" : status)),
  );
  return tokens.has("open") ? [...tokens] : [...tokens, "ending"];
}

/** Ids of approval requests as one argument of a script. */
export function encodeApprovals(ids: readonly string[]): string {
  return ids
    .slice(0, MAX_APPROVALS)
    .map((id) => encodeURIComponent(id.toWellFormed()))
    .join(" ");
}

export class ResponseList {
  readonly index: ListIndex;
  readonly #redis: RedisClient;
  readonly #root: string;
  readonly #inFlight: string;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.index = new ListIndex(redis, layout.responseList, layout.inFlightProjects);
    this.#redis = redis;
    this.#root = layout.responseList;
    this.#inFlight = layout.inFlight;
  }

  /** Call before the terminal event is appended: from then on, lists check the record of this response. */
  async markEnding(project: string, id: string): Promise<void> {
    await markEndingScript(this.#redis, listKeys(this.#root, project), project, id);
  }

  /** Call when a request with these answers is accepted. `answers` is encoded. */
  async answerApprovals(project: string, answers: string): Promise<void> {
    await answerScript(this.#redis, listKeys(this.#root, project), project, answers);
  }

  /** The approval requests of an ended response that no accepted request has answered. */
  async readPendingApprovals(project: string, id: string): Promise<string[]> {
    const entry = await this.#redis.hget(`${this.#root}:entries:${project}`, id);
    return Array.from(entry?.matchAll(/ \.ask:(\S+)/g) ?? [], ([, ask]) => decodeURIComponent(ask!));
  }

  /** Those of these responses in flight that an older release accepted. */
  async findUnlisted(project: string, ids: readonly string[]): Promise<string[]> {
    return await findUnlistedScript(this.#redis, listKeys(this.#root, project), project, ids);
  }

  /** Adds a response that is in flight. */
  async addOpen(project: string, id: string, createdAtMs: number, properties: ListedProperties): Promise<void> {
    const tokens = openTokensOf(properties);
    await enlistOpenScript(
      this.#redis,
      listKeys(this.#root, project),
      this.#inFlight,
      project,
      id,
      createdAtMs,
      tokens,
    );
  }

  /** Calls `visit` for the ids of a project that are open in the index and not in flight. */
  async forEachLeftOpen(project: string, visit: (id: string) => Promise<void>): Promise<void> {
    let offset = 0;
    for (;;) {
      const [more, ...ids] = await findLeftOpenScript(
        this.#redis,
        listKeys(this.#root, project),
        this.#inFlight,
        project,
        offset,
        LEFT_OPEN_PAGE,
      );
      for (const id of ids) await visit(id);
      if (more === 0) return;
      offset += LEFT_OPEN_PAGE;
    }
  }
}
