/** Which implementation serves which kind of provider. A new kind is one file in `upstreams/` and one line here. */
import type { Config } from "../src/config.ts";
import type { Provider, ProviderCatalog, ResolvedModel } from "../src/providers/catalog.ts";
import type { Upstream } from "./upstream.ts";
import { AiSdkUpstream } from "./upstreams/ai-sdk.ts";
import { OpenAiResponsesUpstream } from "./upstreams/openai-responses.ts";
import { SimulatorUpstream } from "./upstreams/simulator.ts";

export class Upstreams {
  readonly #catalog: ProviderCatalog;
  readonly #byProvider: ReadonlyMap<string, Upstream>;

  constructor(catalog: ProviderCatalog, config: Config) {
    this.#catalog = catalog;
    this.#byProvider = new Map(catalog.providers.map((provider) => [provider.name, open(provider, config)]));
  }

  /** Undefined if the model is not configured any more. */
  find(model: string): { upstream: Upstream; resolved: ResolvedModel } | undefined {
    const resolved = this.#catalog.resolve(model);
    const upstream = resolved && this.#byProvider.get(resolved.provider.name);
    return upstream && resolved && { upstream, resolved };
  }
}

function open(provider: Provider, config: Config): Upstream {
  switch (provider.kind) {
    case "simulator":
      return new SimulatorUpstream();
    case "openai-responses":
      return new OpenAiResponsesUpstream(provider, config);
    case "openai-compatible":
    case "anthropic":
    case "google":
      return new AiSdkUpstream(provider, config);
  }
}
