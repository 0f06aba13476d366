/**
 * Requirements that a Redis must meet before this server uses it, each with a message that names the remedy.
 *
 * `errors` end the process: it would lose accepted work, or cannot run at all.
 * `waitReasons` resolve by themselves (a failover, a full memory, missing replicas): the start waits, as it does for an
 * unavailable Redis.
 * `warnings` are for the operator to judge.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Logger } from "pino";
import { isRedisUnavailable, UnsuitableRedisError } from "./connect.ts";
import type { RedisLayout } from "./layout.ts";
import { MIN_VERSION } from "./find-program.ts";
import type { RedisClient } from "./script.ts";

export interface RedisFindings {
  errors: string[];
  waitReasons: string[];
  warnings: string[];
}

const RETRY_MS = 1_000;
/** Maximum age of the findings, however often readiness is requested. */
const MAX_AGE_MS = 5_000;

export class Preflight {
  readonly #redis: RedisClient;
  readonly #probeKey: string;
  readonly #logger: Logger;
  readonly #logged = new Set<string>();
  #last: { findings: Promise<RedisFindings>; atMs: number } | undefined;

  constructor(redis: RedisClient, layout: RedisLayout, logger: Logger) {
    this.#redis = redis;
    this.#probeKey = layout.writeProbe;
    this.#logger = logger;
  }

  /**
   * Resolves once Redis accepts writes, however long that takes. Throws UnsuitableRedisError for a problem that does
   * not resolve by itself.
   */
  async waitUntilUsable(): Promise<void> {
    for (;;) {
      const { errors, waitReasons } = await this.#checkWithWrite();
      if (errors[0] !== undefined) throw new UnsuitableRedisError(errors.join(" "));
      if (waitReasons.length === 0) return;
      await delay(RETRY_MS);
    }
  }

  /** The findings for readiness checks: makes no write, and shares a recent result. */
  async check(): Promise<RedisFindings> {
    if (this.#last === undefined || performance.now() - this.#last.atMs > MAX_AGE_MS) {
      this.#last = { findings: inspect(this.#redis), atMs: performance.now() };
      this.#last.findings.catch(() => (this.#last = undefined));
    }
    return await this.#last.findings;
  }

  /** Why Redis takes no writes, if it says so. Never throws: an unavailable Redis has other signs. */
  async findRefusal(): Promise<string | undefined> {
    const { waitReasons } = await this.check().catch(noFindings);
    return waitReasons[0];
  }

  async #checkWithWrite(): Promise<RedisFindings> {
    const findings = await inspect(this.#redis).catch(findingsOfError);
    if (findings.errors.length === 0 && findings.waitReasons.length === 0) {
      const written = await this.#redis.set(this.#probeKey, "1", "PX", RETRY_MS).then(noFindings, findingsOfError);
      findings.errors.push(...written.errors);
      findings.waitReasons.push(...written.waitReasons);
    }
    const sentences = [...findings.warnings, ...findings.waitReasons.map((wait) => `${wait} Waiting for it.`)];
    for (const sentence of sentences) {
      if (!this.#logged.has(sentence)) this.#logger.warn(sentence);
      this.#logged.add(sentence);
    }
    return findings;
  }
}

const noFindings = (): RedisFindings => ({ errors: [], waitReasons: [], warnings: [] });

const FULL = "The memory of Redis is full: raise maxmemory, or delete data.";

const WAIT_REASONS: readonly [beginning: string, sentence: string][] = [
  ["READONLY", "Redis is a replica and takes no writes: REDIS_URL must lead to the primary."],
  ["OOM", FULL],
  ["NOREPLICAS", "Redis takes no writes without its replicas: start them, or lower min-replicas-to-write."],
  ["MISCONF", "Redis cannot write to its disk and takes no writes: read the log of Redis."],
  ["LOADING", "Redis is still loading its data."],
  ["CLUSTERDOWN", "The cluster is down: each slot needs a reachable primary."],
];

/** Throws errors that are neither temporary nor about permissions. */
function findingsOfError(error: unknown): RedisFindings {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("NOPERM")) {
    const sentence = `The user of REDIS_URL has too few rights (${message}): docs/redis.md lists the rights that it needs.`;
    return { ...noFindings(), errors: [sentence] };
  }
  if (!isRedisUnavailable(error)) throw error;
  const reason = WAIT_REASONS.find(([beginning]) => message.startsWith(beginning));
  return { ...noFindings(), waitReasons: [reason?.[1] ?? "Redis does not answer."] };
}

/** Inspects a single server, or every primary of a cluster. */
async function inspect(redis: RedisClient): Promise<RedisFindings> {
  const isCluster = !(redis instanceof Redis);
  const nodes = isCluster ? redis.nodes("master") : [redis];
  const all = await Promise.all(nodes.map(async (node) => await inspectNode(node, isCluster)));
  const union = (kind: keyof RedisFindings): string[] => [...new Set(all.flatMap((findings) => findings[kind]))];
  return { errors: union("errors"), waitReasons: union("waitReasons"), warnings: union("warnings") };
}

const NEARLY_FULL = 0.9;

/** What Redis compares with `maxmemory`, as a share of it; 0 without a `maxmemory`. */
function usedMemoryShare(info: ReadonlyMap<string, string>): number {
  const read = (name: string): number => Number(info.get(name) ?? 0);
  const maxmemory = read("maxmemory");
  return maxmemory === 0 ? 0 : (read("used_memory") - read("mem_not_counted_for_evict")) / maxmemory;
}

async function inspectNode(node: Redis, isCluster: boolean): Promise<RedisFindings> {
  const text = await node.info();
  const info = new Map(text.split("\r\n").map((line) => [line.split(":", 1)[0]!, line.slice(line.indexOf(":") + 1)]));
  const findings = noFindings();
  const version = info.get("redis_version") ?? MIN_VERSION;
  if (Number.parseInt(version, 10) < Number.parseInt(MIN_VERSION, 10)) {
    findings.errors.push(`Redis ${version} is too old: install Redis ${MIN_VERSION} or newer, or Valkey.`);
  }
  if (info.get("role") === "slave") findings.waitReasons.push(WAIT_REASONS[0]![1]);
  const policy = info.get("maxmemory_policy") ?? "noeviction";
  const isBounded = (info.get("maxmemory") ?? "0") !== "0";
  const used = usedMemoryShare(info);
  if (policy === "noeviction" && used >= 1) findings.waitReasons.push(FULL);
  else if (policy === "noeviction" && used >= NEARLY_FULL) {
    const percent = Math.floor(used * 100);
    findings.warnings.push(`Redis uses ${percent} % of its maxmemory, and takes no writes once it is full: raise it.`);
  }
  if (policy.startsWith("allkeys") && isBounded) {
    findings.errors.push(`With maxmemory-policy ${policy} Redis evicts running responses: set it to noeviction.`);
  } else if (policy !== "noeviction") {
    findings.warnings.push(
      `With maxmemory-policy ${policy} Redis may evict locks and responses when its memory is full: set it to noeviction.`,
    );
  }
  if (info.get("aof_enabled") === "0") {
    findings.warnings.push(
      "Redis writes no append-only file, so a restart of Redis loses all responses: set appendonly to yes.",
    );
  }
  if (!isCluster && info.get("cluster_enabled") === "1") {
    findings.warnings.push("Redis is a node of a cluster, and most commands will fail: set REDIS_CLUSTER=true.");
  }
  return findings;
}
