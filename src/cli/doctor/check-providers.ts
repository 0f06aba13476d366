/** Whether each provider can be reached, and takes its key. Lists models, which costs nothing. */
import type { Config } from "../../config/config.ts";
import type { Provider, ProviderCatalog } from "../../providers/catalog.ts";
import { type Finding, messageOf, ok, problem, warning } from "./finding.ts";

type RemoteProvider = Exclude<Provider, { kind: "simulator" }>;

const TIMEOUT_MS = 10_000;
const ANTHROPIC_VERSION = "2023-06-01";

export async function checkProviders(config: Config, catalog: ProviderCatalog): Promise<Finding[]> {
  const remote = catalog.providers.filter((provider) => provider.kind !== "simulator");
  if (remote.length === 0) {
    const remedy = "Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or PROVIDERS_FILE for real models.";
    return [warning("providers", "Only the simulator is configured.", remedy)];
  }
  return await Promise.all(remote.map(async (provider) => await checkProvider(config, provider)));
}

async function checkProvider({ environment }: Config, provider: RemoteProvider): Promise<Finding> {
  const subject = `provider ${provider.name}`;
  const url = `${provider.base_url.replace(/\/+$/, "")}/models`;
  const key = provider.api_key_env === undefined ? undefined : environment[provider.api_key_env]?.trim();
  const headers = { ...provider.headers, ...(key !== undefined && credentialsOf(provider.kind, key)) };
  try {
    const { status, ok: isOk, body } = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await body?.cancel();
    if (isOk) return ok(subject, key === undefined ? "It answers." : "It answers, and takes the key.");
    if (status === 401 || status === 403) {
      const which =
        provider.api_key_env === undefined ? "a request without a key" : `the key of ${provider.api_key_env}`;
      return problem(subject, `It rejects ${which} with ${status}.`, "Correct the key, or its rights.");
    }
    // Not every server lists its models.
    if (status < 500 && status !== 429) return ok(subject, `It answers; it lists no models (${status}).`);
    return warning(subject, `It answers ${status}.`, "Runs wait and retry, or use their fallbacks, until it recovers.");
  } catch (error) {
    return problem(subject, `${url} cannot be reached: ${messageOf(error)}.`, "Correct its base URL, or the network.");
  }
}

function credentialsOf(kind: RemoteProvider["kind"], key: string): Record<string, string> {
  if (kind === "anthropic") return { "x-api-key": key, "anthropic-version": ANTHROPIC_VERSION };
  if (kind === "google") return { "x-goog-api-key": key };
  return { authorization: `Bearer ${key}` };
}
