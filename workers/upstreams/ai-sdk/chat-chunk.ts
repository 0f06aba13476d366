/**
 * Reads data of a chat completion's stream that the SDK omits: which text is a refusal, and the logprobs. A chunk arrives
 * before the SDK's parts of it.
 */
import { z } from "zod";
import type { Logprobs } from "./open-message.ts";

const tokenSchema = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z
    .array(z.int())
    .nullish()
    .transform((bytes) => bytes ?? []),
});

const choiceSchema = z.object({
  delta: z.object({ refusal: z.string().nullish().catch(undefined) }).nullish(),
  logprobs: z
    .object({
      content: z.array(z.object({ ...tokenSchema.shape, top_logprobs: z.array(tokenSchema).default([]) })).nullish(),
    })
    .nullish()
    .catch(undefined),
});
const chunkSchema = z.object({ choices: z.array(choiceSchema).nonempty() });

export class ChatChunk {
  #refusal: string | undefined;
  #logprobs: Logprobs = [];

  read(rawValue: unknown): void {
    const choice = chunkSchema.safeParse(rawValue).data?.choices[0];
    this.#refusal = choice?.delta?.refusal || undefined;
    this.#logprobs = choice?.logprobs?.content ?? [];
  }

  /** Whether this text of the chunk is its refusal. */
  isRefusal(delta: string): boolean {
    return delta !== "" && delta === this.#refusal;
  }

  /** The logprobs of the chunk's tokens, once. */
  takeLogprobs(): Logprobs {
    return this.#logprobs.splice(0);
  }
}
