/** Maps each kind of provider to its upstream. A new kind is one folder in `upstreams/` and one line here. */
import type { Logger } from "pino";
import type { Config } from "../../src/config/config.ts";
import type { Provider, ProviderCatalog, ResolvedModel } from "../../src/providers/catalog.ts";
import type { BackgroundUpstream, Upstream } from "./upstream.ts";
import { AiSdkUpstream } from "./ai-sdk/ai-sdk.ts";
import { type Candidate, FallbackUpstream } from "./fallback/fallback.ts";
import { OpenAiResponsesUpstream } from "./openai-responses/openai-responses.ts";
import { SimulatorUpstream } from "./simulator/simulator.ts";

export class Upstreams {
  readonly #catalog: ProviderCatalog;
  readonly #byProvider: ReadonlyMap<string, Upstream>;
  readonly #background: ReadonlyMap<string, { upstream: BackgroundUpstream; isEnabled: boolean }>;

  constructor(catalog: ProviderCatalog, config: Config, logger: Logger) {
    this.#catalog = catalog;
    this.#byProvider = new Map(
      catalog.providers.map((provider) => [provider.name, openUpstream(provider, config, logger)]),
    );
    this.#background = new Map(
      catalog.providers.flatMap((provider) => {
        const upstream = this.#byProvider.get(provider.name);
        if (provider.kind !== "openai-responses" || !(upstream instanceof OpenAiResponsesUpstream)) return [];
        return [[provider.name, { upstream, isEnabled: provider.background === true }]];
      }),
    );
  }

  /** Whether any provider is configured to run responses in its own background. */
  get hasBackground(): boolean {
    return [...this.#background.values()].some(({ isEnabled }) => isEnabled);
  }

  /** A provider's upstream for remote runs. A provider with background disabled may still have earlier runs. */
  findBackground(provider: string): { upstream: BackgroundUpstream; isEnabled: boolean } | undefined {
    return this.#background.get(provider);
  }

  /** Undefined if the model is not configured. */
  find(name: string): { upstream: Upstream; resolved: ResolvedModel } | undefined {
    const found = this.#candidate(name);
    const resolved = this.#catalog.resolve(name);
    if (found === undefined || resolved === undefined) return undefined;
    const { provider } = resolved;
    const names = provider.kind === "simulator" ? [] : (provider.fallbacks ?? []);
    const others = names.flatMap((other) => this.#candidate(other) ?? []).filter((other) => other.name !== found.name);
    const upstream = others.length === 0 ? found.upstream : new FallbackUpstream(found, others);
    return { upstream, resolved };
  }

  #candidate(name: string): Candidate | undefined {
    const resolved = this.#catalog.resolve(name);
    const upstream = resolved && this.#byProvider.get(resolved.provider.name);
    return upstream && resolved && { name: `${resolved.provider.name}/${resolved.model}`, upstream, resolved };
  }
}

function openUpstream(provider: Provider, config: Config, logger: Logger): Upstream {
  switch (provider.kind) {
    case "simulator":
      return new SimulatorUpstream();
    case "openai-responses":
      return new OpenAiResponsesUpstream(provider, config);
    case "openai-compatible":
    case "anthropic":
    case "google":
      return new AiSdkUpstream(provider, config, { logger });
  }
}
