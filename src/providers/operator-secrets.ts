/**
 * The operator's secrets that must never reach a log, whichever library writes it: keys, headers, passwords in URLs.
 */
import type { Config } from "../config/config.ts";
import type { Provider } from "./catalog.ts";
import { SECRET_MIN_LENGTH } from "../logging/redaction.ts";
import { listRedisUrlSecrets } from "../redis/redis-url.ts";
import { decoded, listHeaderSecrets, listUrlSecrets } from "../logging/redaction/list-secrets.ts";

const SECRET_SETTINGS = [
  "OPENAI_API_KEY",
  "ANTHROPIC_API_KEY",
  "GOOGLE_GENERATIVE_AI_API_KEY",
  "GEMINI_API_KEY",
  "BRAVE_API_KEY",
  "TAVILY_API_KEY",
  "S3_SECRET_ACCESS_KEY",
  "S3_SESSION_TOKEN",
] as const satisfies readonly (keyof Config)[];

/** Public variables whose values (paths, names) appear in many logs. */
const PLAIN_VARIABLES: ReadonlySet<string> = new Set([
  "HOME",
  "LANG",
  "LOGNAME",
  "NODE_ENV",
  "PATH",
  "PWD",
  "SHELL",
  "TERM",
  "TMPDIR",
  "TZ",
  "USER",
]);

export function isPlainVariable(name: string): boolean {
  return PLAIN_VARIABLES.has(name);
}

export function listOperatorSecrets(config: Config, providers: readonly Provider[]): string[] {
  const variables = [
    ...mcpVariables(config),
    ...config.operatorWebhooks.map(({ secretVariable }) => secretVariable),
    ...providers.flatMap((each) => ("api_key_env" in each ? [each.api_key_env] : [])),
  ];
  const values = variables.map((name) =>
    name === undefined || isPlainVariable(name) ? undefined : config.environment[name],
  );
  const headers = providers.map((provider) => ("headers" in provider ? provider.headers : {}));
  const urls = [
    config.OPENAI_BASE_URL,
    config.SEARXNG_URL,
    config.OTEL_EXPORTER_OTLP_ENDPOINT,
    config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    ...Object.values({ ...config.mcpServers.servers, ...config.mcpServers.connectors }).map((each) =>
      "url" in each ? each.url : undefined,
    ),
    ...providers.map((provider) => ("base_url" in provider ? provider.base_url : undefined)),
  ];
  return [
    ...[...SECRET_SETTINGS.map((name) => config[name]), ...values].filter((value) => value !== undefined),
    ...[...headers, ...collectorHeaders(config)].flatMap(listHeaderSecrets),
    ...listRedisUrlSecrets(config.REDIS_URL, config.REDIS_CLUSTER),
    ...urls.flatMap((url) => (url === undefined ? [] : listUrlSecrets(url))),
  ].filter(({ length }) => length >= SECRET_MIN_LENGTH);
}

function mcpVariables({ mcpServers }: Config): string[] {
  const servers = [...Object.values(mcpServers.servers), ...Object.values(mcpServers.connectors)];
  return servers.flatMap((server) => ("env_names" in server ? server.env_names : Object.values(server.headers_env)));
}

/** As they are written, and as the exporter sends them: without percent-encoding. */
function collectorHeaders(config: Config): Record<string, string>[] {
  const lists = [config.OTEL_EXPORTER_OTLP_HEADERS, config.OTEL_EXPORTER_OTLP_TRACES_HEADERS];
  const pairs = lists.flatMap((list) => list?.split(",") ?? []).map((pair) => pair.trim());
  return pairs.flatMap((pair) => {
    const name = pair.slice(0, Math.max(0, pair.indexOf("="))).trim();
    const value = pair.slice(pair.indexOf("=") + 1).trim();
    return [{ [name]: value }, { [name]: decoded(value) }];
  });
}
