/** Errors in the request itself. */
import type { Rejection } from "./rows.ts";

const MISSING = "missing_required_parameter";
const UNSUPPORTED_WINDOW = { param: "background_options.completion_window", code: "unsupported_value" };
const long = (letter: string, length: number) => letter.repeat(length);
const pairs = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, "v"]));

export const REQUEST_ROWS: Record<string, Rejection> = {
  "unknown key": {
    ask: (server) => server.post({ zzz: 1 }),
    param: "zzz",
    code: "unknown_parameter",
    message: "Unknown parameter: 'zzz'.",
  },
  "unknown key, close to a known one": {
    ask: (server) => server.post({ stroe: true }),
    param: "stroe",
    code: "unknown_parameter",
    message: "Unknown parameter: 'stroe'. Did you mean 'store'?",
  },
  "wrong type": {
    ask: (server) => server.post({ background: "yes" }),
    param: "background",
    code: "invalid_type",
    message: "Invalid type for 'background': expected a boolean, but got a string instead.",
  },
  "model missing": {
    ask: (server) => server.send("POST", "/responses", { input: "Hi" }),
    param: "model",
    code: MISSING,
    message: "Missing required parameter: 'model'.",
  },
  "input missing": {
    ask: (server) => server.post({ input: undefined }),
    param: "input",
    code: MISSING,
    message: "Missing required parameter: 'input'.",
  },
  "input empty": {
    ask: (server) => server.post({ input: "" }),
    code: MISSING,
    message: `One of "input" or "previous_response_id" or 'prompt' or 'conversation' must be provided.`,
  },
  "model unknown": {
    ask: (server) => server.post({ model: "gpt-nope" }),
    status: 404,
    code: "model_not_found",
    message: "The model `gpt-nope` does not exist or you do not have access to it.",
  },
  "model empty string": {
    ask: (server) => server.post({ model: "" }),
    param: "model",
    code: "model_not_found",
    message: "The requested model '' does not exist.",
  },
  "int below min": {
    ask: (server) => server.post({ max_output_tokens: 8 }),
    param: "max_output_tokens",
    code: "integer_below_min_value",
    message: "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 8 instead.",
  },
  "int above max": {
    ask: (server) => server.post({ top_logprobs: 64 }),
    param: "top_logprobs",
    code: "integer_above_max_value",
    message: "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20, but got 64 instead.",
  },
  "decimal above max": {
    ask: (server) => server.post({ temperature: 3 }),
    param: "temperature",
    code: "decimal_above_max_value",
    message: "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
  },
  "decimal below min": {
    ask: (server) => server.post({ top_p: -0.5 }),
    param: "top_p",
    code: "decimal_below_min_value",
    message: "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -0.5 instead.",
  },
  enum: {
    ask: (server) => server.post({ truncation: "bogus" }),
    param: "truncation",
    code: "invalid_value",
    message: "Invalid value: 'bogus'. Supported values are: 'auto' and 'disabled'.",
  },
  "metadata >16": {
    ask: (server) => server.post({ metadata: pairs }),
    param: "metadata",
    code: "object_above_max_properties",
    message:
      "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
  },
  "metadata value >512": {
    ask: (server) => server.post({ metadata: { k: long("x", 600) } }),
    param: "metadata.k",
    code: "string_above_max_length",
    message:
      "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with length 600 instead.",
  },
  "metadata key >64": {
    ask: (server) => server.post({ metadata: { [long("k", 70)]: "x" } }),
    param: `metadata.${long("k", 70)}`,
    code: "property_name_above_max_length",
    message: `Invalid property name in 'metadata': '${long("k", 70)}' is too long. Expected a string with maximum length 64, but got a string with length 70 instead.`,
  },
  "metadata not object": {
    ask: (server) => server.post({ metadata: "x" }),
    param: "metadata",
    code: "invalid_type",
    message: "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
  },
  "completion_window without background": {
    ask: (server) => server.post({ background_options: { completion_window: "8h" } }),
    ...UNSUPPORTED_WINDOW,
    message:
      "Unsupported value: 'background_options.completion_window' does not support '8h' without 'background': true.",
  },
  "completion_window with another service_tier": {
    ask: (server) =>
      server.post({ background: true, service_tier: "flex", background_options: { completion_window: "2h" } }),
    ...UNSUPPORTED_WINDOW,
    message:
      "Unsupported value: 'background_options.completion_window' does not support '2h' with 'service_tier': 'flex'.",
  },
  "completion_window with stream": {
    ask: (server) => server.post({ background: true, stream: true, background_options: { completion_window: "2h" } }),
    ...UNSUPPORTED_WINDOW,
    message: "Unsupported value: 'background_options.completion_window' does not support '2h' with 'stream': true.",
  },
  "body not JSON": {
    ask: (server) => server.send("POST", "/responses", '{"model":'),
    message: "We could not parse the JSON body of your request. The API expects a JSON object.",
  },
  "body too large": {
    ask: (server) => server.post({ input: long("x", 1_000_000) }),
    status: 413,
    code: "request_too_large",
    message: "The request body is too large. At most 1000000 bytes are accepted.",
  },
  "bad URL": {
    ask: (server) => server.send("POST", "/nothing", {}),
    status: 404,
    message: "Invalid URL (POST /v1/nothing)",
  },
  "401 no key": {
    ask: (server) => server.send("GET", "/responses/resp_x", undefined, { authorization: "" }),
    status: 401,
    code: "invalid_api_key",
    message: "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.",
    headers: { "www-authenticate": "Bearer" },
  },
  "401 bad key": {
    ask: (server) =>
      server.send("GET", "/responses/resp_x", undefined, { authorization: "Bearer sk-0123456789abcdef" }),
    status: 401,
    code: "invalid_api_key",
    message: "Incorrect API key provided: sk-***ef.",
    headers: { "www-authenticate": "Bearer" },
  },
};
