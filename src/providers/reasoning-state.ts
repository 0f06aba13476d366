/**
 * State that a vendor needs back unchanged for its model to continue: signatures of its reasoning and of the calls that
 * followed. A reasoning item carries it in `encrypted_content`, the API's field for this purpose, so it persists in the
 * log, in chains and with stateless clients.
 */
import { z } from "zod";

const PREFIX = "ai-sdk";

const metadataSchema = z.record(z.string(), z.record(z.string(), z.json()));
const stateSchema = z.object({
  /** State of the reasoning itself. */
  own: metadataSchema.optional(),
  /** State of the call that follows it. */
  next: metadataSchema.optional(),
  /** State of calls in the same turn, by call id, when it arrives too late to precede them. */
  calls: z.record(z.string(), metadataSchema).optional(),
  /** The model that wrote it, if no other model can read it. */
  from: z.string().optional(),
});

type ReasoningState = z.infer<typeof stateSchema>;

/** `owner` identifies the vendor that understands it. Undefined fields are omitted. */
export function encodeReasoningState(
  owner: string,
  state: { [K in keyof ReasoningState]: (K extends "from" ? string : object) | undefined },
): string {
  return `${PREFIX}.${owner}.${Buffer.from(JSON.stringify(state)).toString("base64url")}`;
}

/** Returns undefined if the state belongs to another vendor or model, or was modified. */
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

/** Whether this server wrote it. A Responses API server could not read it and would reject the request. */
export function isAiSdkReasoningState(encrypted: string): boolean {
  return encrypted.startsWith(`${PREFIX}.`);
}
