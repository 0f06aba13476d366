/** Whether each provider can be reached, and takes its key. Lists models, which costs nothing. */
import type { Config } from "../../config/config.ts";
import type { Provider, ProviderCatalog } from "../../providers/catalog.ts";
import { isOwnAddress } from "../../providers/own-address.ts";
import { readinessSchema } from "./check-port.ts";
import { type Finding, messageOf, ok, problem, warning } from "./finding.ts";

type RemoteProvider = Exclude<Provider, { kind: "simulator" }>;

const TIMEOUT_MS = 10_000;
const ANTHROPIC_VERSION = "2023-06-01";

/** `isBaseUrlOfShell`: OPENAI_BASE_URL comes from the shell, where the official clients read it, and not from `.env`. */
export async function checkProviders(
  config: Config,
  catalog: ProviderCatalog,
  isBaseUrlOfShell: boolean,
): Promise<Finding[]> {
  const remote = catalog.providers.filter((provider) => provider.kind !== "simulator");
  if (remote.length === 0) {
    const remedy = "Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or PROVIDERS_FILE for real models.";
    return [warning("providers", "Only the simulator is configured.", remedy)];
  }
  return await Promise.all(
    remote.map(async (provider) => {
      const isOfVariable = provider.name === "openai" && provider.base_url === config.OPENAI_BASE_URL;
      const mistaken = isOfVariable ? await findClientsAddress(config, provider.base_url) : undefined;
      if (mistaken !== undefined) return mistaken;
      const finding = await checkProvider(config, provider);
      if (!isOfVariable) return finding;
      const source = isBaseUrlOfShell ? "OPENAI_BASE_URL of the shell" : "OPENAI_BASE_URL";
      return { ...finding, message: `It is ${provider.base_url}, by ${source}. ${finding.message}` };
    }),
  );
}

/** OPENAI_BASE_URL may be set for clients of this server. Processes of the server take it for a provider. */
async function findClientsAddress(config: Config, url: string): Promise<Finding | undefined> {
  const subject = "provider openai";
  const remedy =
    "Unset OPENAI_BASE_URL where the server runs, and name this server to commands by BACKGROUND_RESPONSES_URL.";
  if (isOwnAddress(url, config)) {
    return problem(subject, `OPENAI_BASE_URL is ${url}, this server's own address: it would call itself.`, remedy);
  }
  if (!(await isServerOfThisKind(url))) return undefined;
  const message = `OPENAI_BASE_URL is ${url}, a server of this kind: the server here would take it for a provider.`;
  return warning(subject, message, `If that is not meant: ${remedy[0]!.toLowerCase()}${remedy.slice(1)}`);
}

async function isServerOfThisKind(url: string): Promise<boolean> {
  try {
    const answer = await fetch(new URL("readyz", `${url.replace(/\/v\d+\/?$/, "").replace(/\/$/, "")}/`), {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return readinessSchema.safeParse(await answer.json()).data?.workers !== undefined;
  } catch {
    return false;
  }
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
