import { type Config, readConfig } from "../../src/config/config.ts";
import { ConfigurationError } from "../../src/config/configuration-error.ts";

/** The message of the ConfigurationError that the environment causes. */
export function configErrorOf(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error("The configuration was accepted.");
}

/** The configuration without the environment that it was read from. */
export function settingsOf(source: NodeJS.ProcessEnv): Omit<Config, "environment"> {
  const { environment: _source, ...settings } = readConfig(source);
  return settings;
}
