/** Opens the adapter for a provider. SDKs are loaded only by processes that embed with them. */
import type { Config } from "../config/config.ts";
import type { Provider } from "../providers/catalog.ts";
import type { EmbeddingProvider } from "./embedding-provider.ts";

/** Undefined for a provider without embeddings. */
export async function openEmbeddingProvider(
  provider: Provider,
  environment: Config["environment"],
): Promise<EmbeddingProvider | undefined> {
  switch (provider.kind) {
    case "openai-responses":
    case "openai-compatible": {
      const { OpenAiEmbeddings } = await import("./providers/openai-embeddings.ts");
      return new OpenAiEmbeddings(provider, environment);
    }
    case "google": {
      const { GoogleEmbeddings } = await import("./providers/google-embeddings.ts");
      return new GoogleEmbeddings(provider, environment);
    }
    case "simulator": {
      const { SimulatorEmbeddings } = await import("./providers/simulator-embeddings.ts");
      return new SimulatorEmbeddings();
    }
    case "anthropic":
      return undefined;
  }
}
