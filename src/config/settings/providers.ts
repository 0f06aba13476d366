import { flag, httpUrl, integer, milliseconds, optionalText, seconds } from "../setting.ts";

export const providerSettings = {
  SIMULATOR: flag("Availability of the embedded simulator, which serves the models `simulator/*`.", true),
  DEFAULT_PROVIDER: optionalText(
    "Name of the provider that serves model names without a prefix. If empty, the first configured provider that is not the simulator.",
  ),
  PROVIDERS_FILE: optionalText("Path of a JSON file with further providers."),
  PROMPTS_FOLDER: optionalText(
    "Path of a folder with prompt templates, `<prompt id>/<version>.json`, which requests name in `prompt`.",
  ),
  OPENAI_API_KEY: optionalText("Key of the provider `openai`. This or `OPENAI_BASE_URL` configures that provider."),
  OPENAI_BASE_URL: httpUrl(
    "Address of the provider `openai`. If empty, `https://api.openai.com/v1`. Commands such as `list` take it for the address of the server unless `BACKGROUND_RESPONSES_URL` is set.",
  ),
  ANTHROPIC_API_KEY: optionalText("Key of the provider `anthropic`. It configures that provider."),
  GOOGLE_GENERATIVE_AI_API_KEY: optionalText("Key of the provider `google`. It configures that provider."),
  GEMINI_API_KEY: optionalText("Key of the provider `google`, under Google's other name for it."),
  UPSTREAM_TIMEOUT_MS: milliseconds("Timeout until the provider starts answering.", { default: 600_000, min: 1 }),
  UPSTREAM_IDLE_TIMEOUT_MS: milliseconds("Timeout between two events of a provider's stream.", {
    default: 300_000,
    min: 1,
  }),
  UPSTREAM_MAX_RETRIES: integer(
    "Maximum retries of a call that fails before the provider starts answering, with backoff.",
    { default: 4 },
  ),
  UPSTREAM_MAX_WAITS: integer(
    "Maximum times that a response returns to the queue because its provider's rate limit is reached; then it fails (0 = it fails at once).",
    { default: 20 },
  ),
  UNKNOWN_MODEL_WAIT_SECONDS: seconds(
    "Time that a response waits for another worker if a worker does not know its model, tool or key; then it fails.",
    { default: 60 },
  ),
};
