/** What the model is shown: the messages of the prompt, the chain behind `previous_response_id`, oldest first, and the response's own input. */
import type { CreateRequest } from "../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { InstructionMessage } from "../protocol/items/message.ts";
import type { Response } from "../protocol/response.ts";
import type { StoredRequest } from "../store/response-record.ts";
import { conversationIdOf } from "./conversation-turn.ts";
import { responseJsonOf } from "./read-response.ts";
import { openSecrets } from "./request-secrets.ts";
import { openReasoning } from "./sealed-items.ts";
import type { Storage } from "./storage.ts";

export interface Conversation {
  project: string;
  /** With its secrets as they were sent. Its instructions are text only: those that are messages are the preamble. */
  request: Omit<StoredRequest["request"], "instructions"> & Pick<CreateRequest, "instructions">;
  /** The messages of the prompt. They come before `input` and are no part of it: nothing later is shown them. */
  preamble: InstructionMessage[];
  /** The chain behind `previous_response_id`, oldest first. */
  ancestors: readonly string[];
  input: (InputItem | OutputItem)[];
  /** The response's own part of `input`: what stands there was said to it and not to one before. */
  own: readonly (InputItem | OutputItem)[];
}

/** A link of the chain was deleted after this response was accepted. The run cannot say anything sensible without it. */
export class MissingLinkError extends Error {
  override readonly name = "MissingLinkError";
  constructor(id: string) {
    super(`The previous response '${id}' was deleted before this one could use it.`);
  }
}

/** Undefined if the response itself is gone. All links are read at once, not one after the other. */
export async function loadConversation(storage: Storage, id: string): Promise<Conversation | undefined> {
  const [record, stored, own] = await Promise.all([
    storage.records.readEvenDeleted(id),
    storage.records.readRequest(id),
    storage.records.readInput(id),
  ]);
  if (record === undefined || stored === undefined || own === undefined) return undefined;
  const conversationId = conversationIdOf(stored.request);
  const [links, before] = await Promise.all([
    Promise.all(stored.ancestors.map((ancestor) => loadLink(storage, ancestor))),
    conversationId === undefined ? [] : storage.conversations.readItems(conversationId),
  ]);
  const { ancestors } = stored;
  const { project } = record;
  const { instructions, ...request } = openSecrets(storage, project, stored.request);
  const input = openReasoning(storage, project, [...before, ...links.flat(), ...own]);
  const shared = { project, ancestors, input, own: input.slice(input.length - own.length) };
  return Array.isArray(instructions)
    ? { ...shared, request, preamble: instructions }
    : { ...shared, request: { ...request, instructions }, preamble: [] };
}

async function loadLink(storage: Storage, id: string): Promise<(InputItem | OutputItem)[]> {
  const [input, last] = await Promise.all([storage.records.readInput(id), storage.writersReader.readLast(id)]);
  if (input === undefined || last === undefined) throw new MissingLinkError(id);
  const { output } = JSON.parse(responseJsonOf(last)) as Response;
  return [...input, ...output.filter(isUsable)];
}

/** A message that was cut off still says something; a call that was cut off cannot be answered, so it is left out. */
function isUsable(item: OutputItem): boolean {
  return item.type === "message" || item.status !== "incomplete";
}
