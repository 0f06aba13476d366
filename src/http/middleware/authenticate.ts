/**
 * Authenticates by bearer key (contract.md#error-catalogue, 401), and assigns the request to the key's project. An admin
 * names the project of a request in `OpenAI-Project`, the header of the official clients' option `project`.
 */
import { timingSafeEqual } from "node:crypto";
import type { Request as HttpRequest, RequestHandler } from "express";
import { ANONYMOUS_PROJECT, allowsAnonymous, type Config, hashApiKey } from "../../config/config.ts";
import { adminNeedsProject, incorrectApiKey, missingApiKey, notAnAdmin } from "../../lifecycle/errors/access.ts";
import { projectNotFound } from "../../lifecycle/errors/state.ts";
import { ADMIN_ACTOR_PREFIX, environmentKeyId, type Actor } from "../../store/organization/actor.ts";
import type { Storage } from "../../responses/storage.ts";

declare global {
  // Express's own way to type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** The project that sent the request. An admin's is NO_PROJECT unless the request names one. */
      project: string;
      /** Whether the key is one of ADMIN_KEYS. */
      isAdmin: boolean;
      /** Who sent the request, for the audit log. */
      actor: Actor;
    }
  }
}

/** The project of an admin's request that names none. It owns nothing, and no project can have this name. */
export const NO_PROJECT = "";

type Access = Pick<Config, "apiKeys" | "adminKeys" | "ALLOW_ANONYMOUS">;
type KeyStores = Pick<Storage, "projects" | "organizationKeys">;
type Caller = Pick<Express.Locals, "project" | "isAdmin" | "actor">;

const ANONYMOUS: Caller = {
  project: ANONYMOUS_PROJECT,
  isAdmin: false,
  actor: { type: "anonymous", name: ANONYMOUS_PROJECT, keyId: undefined },
};

/**
 * Without keys, every request belongs to one anonymous project. A key of the environment is known without Redis. Where
 * there are admins, any other key is looked up on every request, so that a deleted key stops at once on every process.
 */
export function authenticate(access: Access, stores: KeyStores): RequestHandler {
  const isAnonymousAllowed = allowsAnonymous(access);
  const authenticator = new Authenticator(access, stores);
  return async (request, response, next) => {
    const key = bearerKeyOf(request);
    const caller = key === undefined ? undefined : await authenticator.findCaller(request, key);
    if (caller === undefined && !isAnonymousAllowed) throw key === undefined ? missingApiKey() : incorrectApiKey(key);
    Object.assign(response.locals, caller ?? ANONYMOUS);
    next();
  };
}

/** For the routes of administrators. */
export const requireAdmin: RequestHandler = (_request, response, next) => {
  if (!response.locals.isAdmin) throw notAnAdmin();
  next();
};

/** For the routes that create something: an admin says for which project. */
export const requireProject: RequestHandler = (_request, response, next) => {
  if (response.locals.project === NO_PROJECT) throw adminNeedsProject();
  next();
};

function bearerKeyOf(request: HttpRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.get("authorization") ?? "")?.[1];
}

class Authenticator {
  readonly #access: Access;
  readonly #stores: KeyStores;

  constructor(access: Access, stores: KeyStores) {
    this.#access = access;
    this.#stores = stores;
  }

  async findCaller(request: HttpRequest, key: string): Promise<Caller | undefined> {
    const { apiKeys, adminKeys } = this.#access;
    const presented = hashApiKey(key);
    const admin = findByHash(adminKeys, presented);
    if (admin !== undefined) {
      const project = await this.#projectOfAdmin(request);
      const keyId = environmentKeyId(presented);
      return { project, isAdmin: true, actor: { type: "admin", name: `${ADMIN_ACTOR_PREFIX}${admin.name}`, keyId } };
    }
    const ofEnvironment = findByHash(apiKeys, presented);
    if (ofEnvironment !== undefined) return ofProject(ofEnvironment.project, environmentKeyId(presented));
    if (adminKeys.length === 0) return undefined;
    const found = await this.#stores.organizationKeys.find(presented);
    return found && ofProject(found.project, found.keyId);
  }

  async #projectOfAdmin(request: HttpRequest): Promise<string> {
    const project = request.get("openai-project") ?? NO_PROJECT;
    if (project === NO_PROJECT || this.#access.apiKeys.some((key) => key.project === project)) return project;
    const isAnonymous = project === ANONYMOUS_PROJECT && allowsAnonymous(this.#access);
    if (isAnonymous) return project;
    const found = await this.#stores.projects.read(project);
    if (found === undefined || found.archived_at !== undefined) throw projectNotFound(project);
    return project;
  }
}

function ofProject(project: string, keyId: string): Caller {
  return { project, isAdmin: false, actor: { type: "project", name: project, keyId } };
}

/** Compares every key in constant time, so that the duration reveals nothing about any of them. */
function findByHash<T extends { hash: Buffer }>(keys: readonly T[], presented: Buffer): T | undefined {
  let found: T | undefined;
  for (const known of keys) {
    if (timingSafeEqual(known.hash, presented)) found = known;
  }
  return found;
}
