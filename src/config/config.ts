/**
 * Configuration: the only reader of the environment. Every setting, its unit and its default stand here, in
 * `.env.example`, in README's table and in `docker-compose.yml`; a test holds the four together.
 */
import { createSecretKey, type KeyObject } from "node:crypto";
import { hostname } from "node:os";
import { z } from "zod";
import { type ApiKey, isLoopback, readApiKeys } from "./api-keys.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { describeServerFault, type McpServers, mcpServersSchema } from "./mcp-servers.ts";
import type { TlsFiles } from "../redis/connection-options.ts";
import { redisUrlFault } from "../redis/redis-url.ts";
import { readRedisTls } from "./redis-tls.ts";
import { SettingsFile } from "./settings-file.ts";

const DAY_SECONDS = 24 * 60 * 60;
/** A WAIT is a command: with what comes before it, it must be answered before a request's commands time out (5 s). */
const MAX_WAIT_MS = 4_000;
/** The shortest completion window: what is reserved at its end cannot be longer. */
const MAX_RESERVE_SECONDS = 2 * 60 * 60;
const MAX_PORT = 65_535;
/** Longer than this no timer is: Node takes 1 ms instead. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The limit of a drain is a timer too, and some seconds longer than its grace. */
const MAX_GRACE_MS = MAX_TIMER_MS - 60_000;
/** The timeouts of a request are some seconds longer than this. */
const MAX_KEEP_ALIVE_MS = MAX_TIMER_MS - 60_000;
/** Longer than this Node's fetch does not wait for an answer to begin. */
const MAX_FETCH_MS = 300_000;

/** What is set to nothing is not set: `PORT=` means the default, not 0. */
const unlessEmpty = (value: unknown): unknown => (typeof value === "string" && value.trim() === "" ? undefined : value);

const integer = (fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(unlessEmpty, z.coerce.number().int().min(min).max(max).default(fallback));
const flagOr = (fallback: "true" | "false") =>
  z.preprocess(
    unlessEmpty,
    z
      .enum(["true", "false", "1", "0"])
      .default(fallback)
      .transform((value) => value === "true" || value === "1"),
  );
const flag = flagOr("false");
const milliseconds = (fallback: number, min = 0, max = MAX_TIMER_MS) => integer(fallback, min, max);
const text = z
  .string()
  .trim()
  .transform((value) => (value === "" ? undefined : value))
  .optional();
const baseUrl = text.pipe(z.url({ protocol: /^https?$/ }).optional());

const environmentSchema = z.object({
  HOST: z.preprocess(unlessEmpty, z.string().trim().default("127.0.0.1")),
  PORT: integer(8080, 0, MAX_PORT),
  REDIS_URL: z.preprocess(unlessEmpty, z.string().trim().default("redis://127.0.0.1:6379")),
  REDIS_CLUSTER: flag,
  REDIS_TLS_CA_FILE: text,
  REDIS_TLS_CERT_FILE: text,
  REDIS_TLS_KEY_FILE: text,
  REDIS_MIN_REPLICAS_ACKED: integer(0),
  REDIS_WAIT_TIMEOUT_MS: milliseconds(1_000, 1, MAX_WAIT_MS),
  KEY_PREFIX: z.preprocess(
    unlessEmpty,
    z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/, "letters, digits, - and _ only")
      .default("br"),
  ),
  API_KEYS: text,
  API_KEYS_FILE: text,
  ALLOW_ANONYMOUS: flag,
  ENCRYPTION_KEYS: text,
  LOG_LEVEL: z.preprocess(
    unlessEmpty,
    z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  ),
  LOG_PRETTY: flag,
  MAX_BODY_BYTES: integer(32 * 1024 * 1024, 1024),
  MAX_BODY_VALUES: integer(500_000, 1_000),
  UNKNOWN_PARAMETERS: z.preprocess(unlessEmpty, z.enum(["refuse", "ignore"]).default("refuse")),
  MAX_OPEN_RESPONSES: integer(10_000, 1),
  RATE_LIMIT_REQUESTS_PER_MINUTE: integer(0),
  RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT: integer(0),
  MAX_STREAMS_PER_PROJECT: integer(1_000),
  MAX_STORED_BYTES_PER_PROJECT: integer(2 * 1024 ** 3),
  CORS_ORIGINS: text,
  RETENTION_SECONDS: integer(30 * DAY_SECONDS, 1),
  UNSTORED_RETENTION_SECONDS: integer(600, 1),
  CONVERSATION_IDLE_SECONDS: integer(0),
  RESPONSE_DEADLINE_SECONDS: integer(DAY_SECONDS, 1),
  COMPLETION_WINDOW_RESERVE_SECONDS: integer(1_800, 1, MAX_RESERVE_SECONDS),
  FLEX_MAX_WAIT_SECONDS: integer(3_600, 1),
  MAX_ATTEMPTS: integer(5, 1),
  ISOLATE_AFTER_LOSSES: integer(2, 1),
  STREAM_HEARTBEAT_MS: milliseconds(15_000, 10),
  STREAM_STALL_TIMEOUT_MS: milliseconds(60_000, 10),
  HTTP_KEEP_ALIVE_MS: milliseconds(65_000, 1, MAX_KEEP_ALIVE_MS),
  POLL_AFTER_MS: integer(1_000, 1),
  FOREGROUND_CONCURRENCY: integer(50, 1),
  BACKGROUND_CONCURRENCY: integer(50, 1),
  FAIR_RESERVE_PERCENT: integer(10, 0, 100),
  LOCK_DURATION_MS: milliseconds(4_000, 500),
  STALLED_INTERVAL_MS: milliseconds(1_500, 100),
  SWEEP_INTERVAL_MS: milliseconds(5_000, 50),
  DRAIN_GRACE_MS: milliseconds(10_000, 0, MAX_GRACE_MS),
  WORKER_PORT: integer(0, 0, MAX_PORT),
  SIMULATOR: flagOr("true"),
  DEFAULT_PROVIDER: text,
  PROVIDERS_FILE: text,
  PROMPTS_FOLDER: text,
  OPENAI_API_KEY: text,
  OPENAI_BASE_URL: baseUrl,
  ANTHROPIC_API_KEY: text,
  GOOGLE_GENERATIVE_AI_API_KEY: text,
  GEMINI_API_KEY: text,
  UPSTREAM_TIMEOUT_MS: milliseconds(600_000, 1),
  UPSTREAM_IDLE_TIMEOUT_MS: milliseconds(300_000, 1),
  UPSTREAM_MAX_RETRIES: integer(4),
  UPSTREAM_MAX_WAITS: integer(20),
  UNKNOWN_MODEL_WAIT_SECONDS: integer(60),
  STRICT_EVENTS: flag,
  STREAM_CALL_ARGUMENTS: flag,
  MAX_TOOL_CALLS: integer(250, 1),
  IMAGE_MODEL: text,
  IMAGE_TIMEOUT_MS: milliseconds(180_000, 1, MAX_FETCH_MS),
  FETCH_ALLOWED_HOSTS: text,
  SEARXNG_URL: baseUrl,
  BRAVE_API_KEY: text,
  BRAVE_BASE_URL: baseUrl,
  TAVILY_API_KEY: text,
  TAVILY_BASE_URL: baseUrl,
  WEB_SEARCH_TIMEOUT_MS: milliseconds(20_000, 1),
  WEB_SEARCH_HONOUR_ROBOTS: flagOr("true"),
  MCP_SERVERS_FILE: text,
  MCP_CALL_TIMEOUT_MS: milliseconds(120_000, 1),
  CODE_INTERPRETER: flagOr("true"),
  CODE_INTERPRETER_TIMEOUT_MS: milliseconds(60_000, 1),
  CODE_INTERPRETER_MEMORY_MB: integer(384, 64, 4096),
  CODE_INTERPRETER_PROCESSES: integer(4, 1),
  CONTAINER_IDLE_SECONDS: integer(DAY_SECONDS, 60),
});

export type Environment = z.infer<typeof environmentSchema>;
export const SETTINGS = Object.keys(environmentSchema.shape);

export { type ApiKey, hashApiKey } from "./api-keys.ts";

export interface Config extends Omit<Environment, "API_KEYS" | "API_KEYS_FILE" | "ENCRYPTION_KEYS"> {
  apiKeys: readonly ApiKey[];
  /** The first seals, every one opens. Key objects, since they do not show their bytes when they are printed. */
  encryptionKeys: readonly KeyObject[];
  /** What the files of REDIS_TLS_… say. */
  redisTls: TlsFiles | undefined;
  /** What MCP_SERVERS_FILE says. */
  mcpServers: McpServers;
  /** Names this process in connections and logs. */
  processName: string;
  /** Where the providers' keys are looked up, under the names that the providers give. Without this server's own keys. */
  environment: Readonly<NodeJS.ProcessEnv>;
}

export const ANONYMOUS_PROJECT = "default";

export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigurationError(`Invalid configuration. ${faults.join("; ")}`);
  }
  const { API_KEYS, API_KEYS_FILE, ENCRYPTION_KEYS, ...settings } = parsed.data;
  const encryptionKeys = parseEncryptionKeys(ENCRYPTION_KEYS);
  const apiKeys = readApiKeys(API_KEYS, API_KEYS_FILE, settings.HOST);
  if (apiKeys.length === 0 && !isLoopback(settings.HOST) && !settings.ALLOW_ANONYMOUS) {
    throw new ConfigurationError(
      `Without API_KEYS anyone who reaches ${settings.HOST} could use this server. Set API_KEYS, or HOST=127.0.0.1, or ALLOW_ANONYMOUS=true.`,
    );
  }
  const isForAllPages = settings.CORS_ORIGINS?.split(",").some((origin) => origin.trim() === "*") === true;
  if (isForAllPages && apiKeys.length === 0 && isLoopback(settings.HOST)) {
    throw new ConfigurationError(
      "CORS_ORIGINS=* without API_KEYS: every page in a browser of this machine could use this server. Set API_KEYS, or name the pages' origins.",
    );
  }
  const redisFault = redisUrlFault(settings.REDIS_URL, settings.REDIS_CLUSTER);
  if (redisFault !== undefined) throw new ConfigurationError(`REDIS_URL: ${redisFault}.`);
  if (settings.REDIS_CLUSTER && settings.REDIS_MIN_REPLICAS_ACKED > 0) {
    throw new ConfigurationError(
      "REDIS_MIN_REPLICAS_ACKED does not work with REDIS_CLUSTER: a WAIT cannot be sent to the node of a key.",
    );
  }
  if (settings.LOCK_DURATION_MS < 2 * settings.STALLED_INTERVAL_MS) {
    throw new ConfigurationError("LOCK_DURATION_MS must be at least twice STALLED_INTERVAL_MS.");
  }
  const { API_KEYS: _keys, ENCRYPTION_KEYS: _encryptionKeys, ...rest } = environment;
  const mcpServers = readMcpServers(settings.MCP_SERVERS_FILE);
  const redisTls = readRedisTls(settings, /^rediss/i.test(settings.REDIS_URL));
  return {
    ...settings,
    apiKeys,
    encryptionKeys,
    redisTls,
    mcpServers,
    processName: `${hostname()}:${process.pid}`,
    environment: rest,
  };
}

/** How long what waits for replicas may take at the longest because of that. */
export function replicaWaitMsOf(config: Config): number {
  return config.REDIS_MIN_REPLICAS_ACKED > 0 ? config.REDIS_WAIT_TIMEOUT_MS : 0;
}

function readMcpServers(path: string | undefined): McpServers {
  if (path === undefined) return mcpServersSchema.parse({});
  return new SettingsFile("MCP_SERVERS_FILE", path).parse(mcpServersSchema, describeServerFault);
}

/** 32 bytes each, in hex or in either base64. A wrong one is named by its place: what it says may be most of a key. */
function parseEncryptionKeys(source: string | undefined): KeyObject[] {
  return (source ?? "").split(",").flatMap((entry, i) => {
    const key = entry.trim();
    if (key === "") return [];
    const isHex = /^[0-9a-f]{64}$/i.test(key);
    if (!isHex && !/^[\w+/-]{43}=?$/.test(key)) {
      throw new ConfigurationError(`ENCRYPTION_KEYS: key ${i + 1} is not 32 bytes in base64 or hex.`);
    }
    return [createSecretKey(Buffer.from(key, isHex ? "hex" : "base64"))];
  });
}
