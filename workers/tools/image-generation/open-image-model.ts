/** Which vendor's service makes the images. */
import { createGoogle } from "@ai-sdk/google";
import type { Config } from "../../../src/config/config.ts";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";
import { type Provider, readProviderCatalog } from "../../../src/providers/catalog.ts";
import type { GuardedFetch } from "../../net/guarded-fetch.ts";
import { readApiKey } from "../../upstreams/http/credentials.ts";
import { AiSdkImages } from "./ai-sdk-images.ts";
import type { ImageModel } from "./image-model.ts";
import { OpenAiImages } from "./openai-images.ts";

/** Local servers may want no key, but the SDK does, and would take one from the environment. */
const NO_KEY = "none";

/** `name` is `vendor/model`. The vendor's list of models is of those that clients may name, so this one need not be in it. */
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
      const apiKey = readApiKey(provider, config.environment) ?? NO_KEY;
      const secrets = [apiKey, ...Object.values(headers)];
      return new AiSdkImages({ model: createGoogle({ baseURL, headers, apiKey }).image(model), secrets, timeoutMs });
    }
    case "anthropic":
    case "simulator":
      throw new ConfigurationError(`IMAGE_MODEL: a provider of kind '${provider.kind}' creates no images.`);
  }
}
