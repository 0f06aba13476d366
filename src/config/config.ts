/**
 * Configuration: the only reader of the environment. settings.ts has every setting with its unit and its default; this
 * file checks what one setting demands of another, and reads the files that settings name.
 */
import type { KeyObject } from "node:crypto";
import { hostname } from "node:os";
import type { TlsFiles } from "../redis/connection-options.ts";
import { findRedisUrlError } from "../redis/redis-url.ts";
import { type AdminKey, type ApiKey, hashToken, isLoopback, readKeys } from "./api-keys.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { parseEncryptionKeys } from "./encryption-keys.ts";
import { describeServerError, type McpServers, mcpServersSchema } from "./mcp-servers.ts";
import { readRedisTls } from "./redis-tls.ts";
import { type Environment, environmentSchema } from "./settings.ts";
import { SettingsFile } from "./settings-file.ts";
import { parseTrustedProxies } from "./trusted-proxies.ts";
import { type OperatorEndpoint, readWebhooksFile } from "./webhooks-file.ts";

export { type AdminKey, type ApiKey, hashApiKey } from "./api-keys.ts";
export { SETTINGS } from "./settings.ts";

type KeySetting = "API_KEYS" | "API_KEYS_FILE" | "ADMIN_KEYS" | "ADMIN_KEYS_FILE" | "ENCRYPTION_KEYS" | "METRICS_TOKEN";
type Settings = Omit<Environment, KeySetting>;

export interface Config extends Settings {
  apiKeys: readonly ApiKey[];
  /** Without one, the server has no administration. */
  adminKeys: readonly AdminKey[];
  /** The first encrypts, all decrypt. Key objects, because they do not reveal their bytes when they are printed. */
  encryptionKeys: readonly KeyObject[];
  /** Contents of the files of REDIS_TLS_…. */
  redisTls: TlsFiles | undefined;
  /** TRUSTED_PROXIES, as Express takes it. */
  trustedProxies: ReturnType<typeof parseTrustedProxies>;
  /** Contents of MCP_SERVERS_FILE. */
  mcpServers: McpServers;
  /** SHA-256 of METRICS_TOKEN. */
  metricsTokenHash: Buffer | undefined;
  /** Endpoints of WEBHOOKS_FILE. */
  operatorWebhooks: readonly OperatorEndpoint[];
  /** Name of this process in connections and logs. */
  processName: string;
  /**
   * The environment without this server's own keys. Providers' keys are read from it, by the names in PROVIDERS_FILE.
   */
  environment: Readonly<NodeJS.ProcessEnv>;
}

export const ANONYMOUS_PROJECT = "default";

/** Throws a ConfigurationError that names the wrong settings. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigurationError(`Invalid configuration. ${errors.join("; ")}`);
  }
  const { API_KEYS, API_KEYS_FILE, ADMIN_KEYS, ADMIN_KEYS_FILE, ENCRYPTION_KEYS, METRICS_TOKEN, ...settings } =
    parsed.data;
  const encryptionKeys = parseEncryptionKeys(ENCRYPTION_KEYS);
  const { apiKeys, adminKeys } = readKeys(
    { keys: API_KEYS, file: API_KEYS_FILE },
    { keys: ADMIN_KEYS, file: ADMIN_KEYS_FILE },
    settings.HOST,
  );
  checkAccess(settings, { apiKeys, adminKeys });
  checkRedis(settings);
  checkBucket(settings);
  if (settings.LOCK_DURATION_MS < 2 * settings.STALLED_INTERVAL_MS) {
    throw new ConfigurationError("LOCK_DURATION_MS must be at least twice STALLED_INTERVAL_MS.");
  }
  const {
    API_KEYS: _keys,
    ADMIN_KEYS: _adminKeys,
    ENCRYPTION_KEYS: _encryptionKeys,
    METRICS_TOKEN: _metricsToken,
    ...rest
  } = environment;
  return {
    ...settings,
    apiKeys,
    adminKeys,
    encryptionKeys,
    metricsTokenHash: hashToken("METRICS_TOKEN", METRICS_TOKEN, settings.HOST),
    trustedProxies: parseTrustedProxies(settings.TRUSTED_PROXIES),
    mcpServers: readMcpServers(settings.MCP_SERVERS_FILE),
    operatorWebhooks: readWebhooksFile(settings.WEBHOOKS_FILE, settings.WEBHOOKS_ALLOW_HTTP),
    redisTls: readRedisTls(settings, /^rediss/i.test(settings.REDIS_URL)),
    processName: `${hostname()}:${process.pid}`,
    environment: rest,
  };
}

/** Maximum time that waiting for replicas adds to a command. */
export function replicaWaitMsOf(config: Config): number {
  return config.REDIS_MIN_REPLICAS_ACKED > 0 ? config.REDIS_WAIT_TIMEOUT_MS : 0;
}

/** Whether requests without a key are served, as the project `ANONYMOUS_PROJECT`. */
export function allowsAnonymous(config: Pick<Config, "apiKeys" | "adminKeys" | "ALLOW_ANONYMOUS">): boolean {
  return config.apiKeys.length === 0 && (config.adminKeys.length === 0 || config.ALLOW_ANONYMOUS);
}

function checkAccess(settings: Settings, keys: Pick<Config, "apiKeys" | "adminKeys">): void {
  const { HOST, ALLOW_ANONYMOUS, CORS_ORIGINS } = settings;
  if (!allowsAnonymous({ ...keys, ALLOW_ANONYMOUS })) return;
  if (!isLoopback(HOST) && !ALLOW_ANONYMOUS) {
    throw new ConfigurationError(
      `Without API_KEYS, everyone who reaches ${HOST} could use this server. Set API_KEYS, HOST=127.0.0.1 or ALLOW_ANONYMOUS=true.`,
    );
  }
  const allowsAllPages = CORS_ORIGINS?.split(",").some((origin) => origin.trim() === "*") === true;
  if (allowsAllPages && isLoopback(HOST)) {
    throw new ConfigurationError(
      "CORS_ORIGINS=* without API_KEYS: every web page in a browser on this machine could use this server. Set API_KEYS, or list the origins of your pages.",
    );
  }
}

function checkRedis({ REDIS_URL, REDIS_CLUSTER, REDIS_MIN_REPLICAS_ACKED }: Settings): void {
  const urlError = findRedisUrlError(REDIS_URL, REDIS_CLUSTER);
  if (urlError !== undefined) throw new ConfigurationError(`REDIS_URL: ${urlError}.`);
  if (REDIS_CLUSTER && REDIS_MIN_REPLICAS_ACKED > 0) {
    throw new ConfigurationError(
      "REDIS_MIN_REPLICAS_ACKED does not work with REDIS_CLUSTER: the client cannot send WAIT to the node that holds a key.",
    );
  }
}

function checkBucket({ S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_SESSION_TOKEN }: Settings): void {
  if (S3_BUCKET === undefined) return;
  if ((S3_ACCESS_KEY_ID === undefined) !== (S3_SECRET_ACCESS_KEY === undefined)) {
    throw new ConfigurationError("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY need each other.");
  }
  if (S3_SESSION_TOKEN !== undefined && S3_ACCESS_KEY_ID === undefined) {
    throw new ConfigurationError("S3_SESSION_TOKEN needs S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.");
  }
}

function readMcpServers(path: string | undefined): McpServers {
  if (path === undefined) return mcpServersSchema.parse({});
  return new SettingsFile("MCP_SERVERS_FILE", path).parse(mcpServersSchema, describeServerError);
}
