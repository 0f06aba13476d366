/** A provider whose address is this API's own: each of its runs would create a response here, without end. */
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import type { Provider } from "./catalog.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const EVERY_ADDRESS = new Set(["0.0.0.0", "::"]);

export function isOwnAddress(url: string, { HOST, PORT }: Pick<Config, "HOST" | "PORT">): boolean {
  const { protocol, hostname, port } = new URL(url);
  const isSamePort = Number(port || (protocol === "https:" ? 443 : 80)) === PORT;
  const isLocal = LOOPBACK.has(HOST) || EVERY_ADDRESS.has(HOST) || HOST === "::1";
  return isSamePort && (hostname === HOST || (isLocal && LOOPBACK.has(hostname)));
}

/** For a process that listens there: nothing else can be meant. */
export function rejectOwnAddress(config: Config, providers: readonly Provider[]): void {
  for (const provider of providers) {
    if (provider.kind === "simulator" || !isOwnAddress(provider.base_url, config)) continue;
    const isOfVariable = provider.name === "openai" && config.OPENAI_BASE_URL === provider.base_url;
    const hint = isOfVariable
      ? "OPENAI_BASE_URL names a provider of this server. For commands that talk to this server, set BACKGROUND_RESPONSES_URL instead"
      : "PROVIDERS_FILE must name another server";
    throw new ConfigurationError(`The provider '${provider.name}' has this server's own address. ${hint}.`);
  }
}
