/** Opens the image model of the configured vendor. */
import { createGoogle } from "@ai-sdk/google";
import type { Config } from "../../../src/config/config.ts";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";
import { type Provider, readProviderCatalog } from "../../../src/providers/catalog.ts";
import { withTraceContext } from "../../../src/telemetry/trace-context.ts";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import { NO_API_KEY, readApiKey } from "../../../src/providers/credentials.ts";
import { AiSdkImages } from "./ai-sdk-images.ts";
import type { ImageModel } from "./image-model.ts";
import { OpenAiImages } from "./openai-images.ts";

/** `name` is `vendor/model`. The model need not be in the vendor's list, which is for clients. */
export function openImageModel(name: string, config: Config, fetch: GuardedFetch): ImageModel {
  const slash = name.indexOf("/");
  const model = name.slice(slash + 1);
  const provider = readProviderCatalog(config).providers.find(
    (each) => each.name === name.slice(0, Math.max(slash, 0)),
  );
  if (provider === undefined || model === "") {
    throw new ConfigurationError(`IMAGE_MODEL: '${name}' is not of the form vendor/model with a configured provider.`);
  }
  return openVendorModel(provider, model, config, fetch);
}

function openVendorModel(provider: Provider, model: string, config: Config, fetch: GuardedFetch): ImageModel {
  const timeoutMs = config.IMAGE_TIMEOUT_MS;
  switch (provider.kind) {
    case "openai-responses":
    case "openai-compatible": {
      const { base_url: baseUrl, headers } = provider;
      return new OpenAiImages({
        model,
        baseUrl,
        key: readApiKey(provider, config.environment),
        headers,
        timeoutMs,
        fetch,
      });
    }
    case "google": {
      const { base_url: baseURL, headers } = provider;
      const apiKey = readApiKey(provider, config.environment) ?? NO_API_KEY;
      const secrets = [apiKey, ...Object.values(headers)];
      const google = createGoogle({ baseURL, headers, apiKey, fetch: withTraceContext(globalThis.fetch) });
      return new AiSdkImages({ model: google.image(model), secrets, timeoutMs });
    }
    case "anthropic":
    case "simulator":
      throw new ConfigurationError(`IMAGE_MODEL: a provider of kind '${provider.kind}' cannot generate images.`);
  }
}
