/** The server cannot run with a value that the operator has set. The message names the setting and contains no secret. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
