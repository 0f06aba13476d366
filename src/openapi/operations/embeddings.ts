/** Embeddings. */
import { parseBody } from "../../http/validation/parse-body.ts";
import { responseError } from "../../lifecycle/lifecycle-events.ts";
import { runFailed } from "../../lifecycle/errors/server.ts";
import { embeddingsRequestSchema, embeddingsSchema } from "../../protocol/embeddings.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import type { Endpoint } from "../endpoint.ts";

const model = "simulator/default";

export const createEmbeddings: Endpoint = {
  id: "createEmbeddings",
  tag: "Embeddings",
  summary: "Create embeddings",
  description:
    "Returns a vector for each input, made by the model of a provider. The server sends the inputs in batches, and retries batches that fail.",
  body: {
    description: "Texts, or lists of tokens for a provider that takes them.",
    isRequired: true,
    schema: embeddingsRequestSchema,
    examples: {
      "A text": { model, input: "Why do leases need epochs?" },
      "Two texts with short vectors": { model, input: ["A lease", "An epoch"], dimensions: 128 },
    },
  },
  answers: {
    200: {
      description: "One vector for each input, in their order.",
      headers: ["x-ignored-parameters"],
      content: {
        "application/json": {
          schema: embeddingsSchema,
          examples: {
            "One vector": {
              object: "list",
              data: [{ object: "embedding", index: 0, embedding: [0.5, -0.5, 0.5, -0.5] }],
              model,
              usage: { prompt_tokens: 6, total_tokens: 6 },
            },
            "One vector in base64": {
              object: "list",
              data: [{ object: "embedding", index: 0, embedding: "AAAAPwAAAL8AAAA/AAAAvw==" }],
              model,
              usage: { prompt_tokens: 6, total_tokens: 6 },
            },
          },
        },
      },
    },
  },
  errors: [
    "adminNeedsProject",
    ...documentErrorsOf((body) => parseBody(embeddingsRequestSchema, body), {
      "`model` is missing.": { input: "Hello" },
      "`input` is missing.": { model },
      "A text is empty.": { model, input: "" },
      "`input` is empty.": { model, input: [] },
      "There are too many inputs.": { model, input: Array<string>(2_049).fill("Hello") },
      "`dimensions` is too small.": { model, input: "Hello", dimensions: 0 },
      "A value has the wrong type.": { model, input: 7 },
      "A value is not one of the supported values.": { model, input: "Hello", encoding_format: "hex" },
      "A parameter is unknown. The message suggests a similar known one.": { model, inptu: "Hello" },
    }),
    "modelNotFound",
    {
      when: "The provider rejected the request, or has no embeddings. The message is the provider's.",
      error: runFailed(
        responseError("invalid_prompt", "The input exceeds the model's maximum of 8192 tokens.", "input"),
      ),
    },
    "providerRateLimited",
    {
      when: "The provider's quota is used up.",
      error: runFailed(responseError("insufficient_quota", "The provider's quota is used up.")),
    },
    "runFailed",
  ],
};
