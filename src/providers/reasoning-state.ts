/**
 * What a vendor must be given back unchanged, or its model cannot go on where it was: signatures of its thinking, and of
 * the calls that came of it. A reasoning item carries it in `encrypted_content`, the place that the API has for just that,
 * so it lives in the log, in a chain and in what a stateless client sends back.
 */
import { z } from "zod";

const PREFIX = "ai-sdk";

const metadataSchema = z.record(z.string(), z.record(z.string(), z.json()));
const stateSchema = z.object({
  /** Of the reasoning itself. */
  own: metadataSchema.optional(),
  /** Of the call that follows it. */
  next: metadataSchema.optional(),
  /** Of calls of the same turn, by their ids: for what came too late to come before them. */
  calls: z.record(z.string(), metadataSchema).optional(),
  /** The model that wrote it, where no other can read it. */
  from: z.string().optional(),
});

type ReasoningState = z.infer<typeof stateSchema>;

/** `owner` is who understands it. What is undefined is left out. */
export function encodeReasoningState(
  owner: string,
  state: { [K in keyof ReasoningState]: (K extends "from" ? string : object) | undefined },
): string {
  return `${PREFIX}.${owner}.${Buffer.from(JSON.stringify(state)).toString("base64url")}`;
}

/** Undefined if it is another vendor's or model's, or was changed on its way. */
export function decodeReasoningState(
  owner: string,
  encrypted: string | null | undefined,
  from?: string,
): ReasoningState | undefined {
  const [prefix, writer, data] = (encrypted ?? "").split(".");
  if (prefix !== PREFIX || writer !== owner || data === undefined) return undefined;
  try {
    const state = stateSchema.parse(JSON.parse(Buffer.from(data, "base64url").toString()));
    return state.from === from ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it was written here: a server of the Responses API could not read it, and would refuse the request. */
export function isAiSdkReasoningState(encrypted: string): boolean {
  return encrypted.startsWith(`${PREFIX}.`);
}
