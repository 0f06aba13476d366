/** `doctor`: checks what a server on this machine needs, without starting one, and says what to do. */
import { type Config, readConfig } from "../../config/config.ts";
import { checkMcpVariables } from "../../context/mcp-variables.ts";
import { readPrompts } from "../../prompts/read-prompts.ts";
import { type ProviderCatalog, readProviderCatalog } from "../../providers/catalog.ts";
import type { Cli, JsonFlag } from "../cli.ts";
import { loadEnvironmentFile } from "../commands/serve.ts";
import { EXIT } from "../exit-codes.ts";
import { checkPort } from "./check-port.ts";
import { checkProviders } from "./check-providers.ts";
import { checkRedis } from "./check-redis.ts";
import { checkTools } from "./check-tools.ts";
import { type Finding, messageOf, ok, problem } from "./finding.ts";

const MARKS = { ok: ["✓", "green"], warning: ["!", "yellow"], error: ["✗", "red"] } as const;

/** Returns 1 if something does not work. */
export async function doctor({ terminal, environment }: Cli, { json }: JsonFlag): Promise<number> {
  let hasErrors = false;
  const show = (finding: Finding): void => {
    const { level, subject, message, remedy } = finding;
    hasErrors ||= level === "error";
    if (json) {
      terminal.print(JSON.stringify(finding));
      return;
    }
    const [mark, format] = MARKS[level];
    terminal.printMarked(mark, format, `${subject}: ${message}`);
    if (remedy !== undefined) terminal.print(`  → ${remedy}`);
  };
  const isBaseUrlOfShell = (environment["OPENAI_BASE_URL"] ?? "").trim() !== "";
  loadEnvironmentFile(process.cwd());
  const read = readSettings(environment);
  if ("level" in read) {
    show(read);
    return EXIT.failed;
  }
  const { config, catalog } = read;
  const isRedisNamed = (environment["REDIS_URL"] ?? "").trim() !== "";
  show(ok("configuration", describeAccess(config)));
  const checks = [
    checkRedis(config, isRedisNamed),
    checkPort(config),
    checkProviders(config, catalog, isBaseUrlOfShell),
    checkTools(config),
  ];
  for (const found of checks) for (const finding of [await found].flat()) show(finding);
  return hasErrors ? EXIT.failed : EXIT.completed;
}

interface ReadSettings {
  config: Config;
  catalog: ProviderCatalog;
}

/** What every process reads at its start, before Redis. */
function readSettings(environment: NodeJS.ProcessEnv): ReadSettings | Finding {
  try {
    const config = readConfig(environment);
    const catalog = readProviderCatalog(config);
    readPrompts(config, catalog);
    checkMcpVariables(config);
    return { config, catalog };
  } catch (error) {
    return problem("configuration", messageOf(error), "docs/configuration.md describes every setting.");
  }
}

function describeAccess({ apiKeys, HOST }: Config): string {
  if (apiKeys.length > 0) return `It is valid, with ${apiKeys.length} API keys.`;
  return `It is valid. No API key is needed from ${HOST}.`;
}
