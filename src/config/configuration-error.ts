/** What an operator has set cannot be served with. The message names the setting, and never what is secret in it. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
