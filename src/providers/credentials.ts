/** The part of a provider's configuration that concerns its connection. */
export interface ProviderCredentials {
  api_key_env?: string | undefined;
  headers: Readonly<Record<string, string>>;
}

/** Reads the provider's key from the environment variable that its configuration names. */
export function readApiKey(access: ProviderCredentials, environment: NodeJS.ProcessEnv): string | undefined {
  return (access.api_key_env === undefined ? undefined : environment[access.api_key_env]) || undefined;
}

/** The key for servers that need none: the SDKs require one, and would read another provider's from the environment. */
export const NO_API_KEY = "none";
