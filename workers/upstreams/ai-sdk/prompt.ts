/**
 * Converts a conversation into the SDK's prompt, according to the vendor's traits.
 *
 * | item                                       | the model sees                                                      |
 * | ------------------------------------------ | ------------------------------------------------------------------- |
 * | instructions, system and developer message | a system message; a marked user message if late (text-marks.ts)     |
 * | user message                               | text, images and files by URL or data                               |
 * | assistant message                          | its text; a refusal is text                                         |
 * | reasoning                                  | with state for the model that wrote it; as text if traits say so    |
 * | function_call, custom_tool_call            | a call with its signature, unless it was cut off                    |
 * | their outputs                              | its result; a user text if the call is not in the conversation      |
 * | calls and outputs of hosted tools          | a text that describes them, without base64 images                   |
 * | program, program_output, tool_search_*     | the same                                                            |
 * | additional_tools, configuration_update     | tools and options of the call (call-options.ts)                     |
 * | compaction, item_reference                 | rejected: their content is unknown here                             |
 *
 * An order that a vendor rejects is repaired: the calls of a turn form one message, and each has a result.
 */
import { randomUUID } from "node:crypto";
import { omitFields } from "../../../src/providers/openai-items.ts";
import { decodeReasoningState } from "../../../src/providers/reasoning-state.ts";
import type { ContextItem, UpstreamCall } from "../upstream.ts";
import { isObject, parseJson } from "../http/json.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import { adaptCallIds } from "./adapt-call-ids.ts";
import { type ModelPart, toTextParts, toModelPart } from "./content-parts.ts";
import { arrangeMessages } from "./arrange-messages.ts";
import { PromptBuilder, type ToolOutput } from "./prompt-builder.ts";
import { wrapCustomInput, qualifiedName } from "./convert-tools.ts";
import type { Vendor } from "./vendors.ts";

type ItemOf<T extends ContextItem["type"]> = Extract<ContextItem, { type: T }>;
type Message = ItemOf<"message">;

export function createPrompt(call: UpstreamCall, vendor: Vendor) {
  const prompt = new PromptBuilder(vendor.traits.late_system === "sent", call.boundary ?? randomUUID());
  if (call.request.instructions) prompt.addSystem(call.request.instructions);
  const items = [...call.history, ...call.completedItems];
  const isShown = createReasoningFilter(items, vendor);
  const reader: StateReader = { vendor, from: vendor.stateOriginOf?.(call.model) };
  for (const [index, item] of items.entries()) addItem(prompt, item, reader, isShown(index));
  const arranged = arrangeMessages(prompt.finish(), vendor.traits);
  return adaptCallIds(vendor.finishPrompt?.(arranged, call.model) ?? arranged, vendor.traits.call_ids);
}

/** The reader whose state may be returned. */
interface StateReader {
  vendor: Vendor;
  from: string | undefined;
}

/** Selects the indices whose reasoning is sent as text. Here a turn lies between two user messages. */
function createReasoningFilter(items: readonly ContextItem[], { traits }: Vendor): (index: number) => boolean {
  const isUser = (item: ContextItem) => item.type === "message" && item.role === "user";
  const lastUser = items.findLastIndex(isUser);
  if (traits.reasoning_sent === "none") return () => false;
  if (traits.reasoning_sent === "current_turn") return (index) => index > lastUser;
  let turn = 0;
  const turns = items.map((item) => (isUser(item) ? ++turn : turn));
  const withCalls = new Set(turns.filter((_, index) => CALL_TYPES.has(items[index]!.type)));
  return (index) => withCalls.has(turns[index]!);
}

export const CALL_TYPES: ReadonlySet<string> = new Set(["function_call", "custom_tool_call"]);

function addItem(prompt: PromptBuilder, item: ContextItem, reader: StateReader, isTextShown: boolean): void {
  switch (item.type) {
    case "message":
      return addMessage(prompt, item);
    case "reasoning":
      return addReasoning(prompt, item, reader, isTextShown);
    case "function_call": {
      if (item.status === "incomplete") return;
      const name = qualifiedName(item.name, item.namespace);
      return prompt.addCall(item.call_id, name, parseArguments(item.arguments));
    }
    case "custom_tool_call":
      if (item.status === "incomplete") return;
      return prompt.addCall(item.call_id, qualifiedName(item.name, item.namespace), wrapCustomInput(item.input));
    case "function_call_output":
    case "custom_tool_call_output":
      return prompt.addOutput(item.call_id ?? undefined, toToolOutput(item.output));
    case "compaction":
    case "item_reference":
      throw new InvalidPromptError(`An item of type '${item.type}' cannot be read by this model's provider.`);
    case "additional_tools":
    case "configuration_update":
      return;
    default:
      prompt.addAssistant(toTextParts(describeItem(item)));
  }
}

function addMessage(prompt: PromptBuilder, { role, content }: Message): void {
  const parts = typeof content === "string" ? toTextParts(content) : content.flatMap(toModelParts);
  switch (role) {
    case "system":
    case "developer":
      return prompt.addSystem(parts.map((part) => (part.type === "text" ? part.text : "")).join("\n"));
    case "user":
      return prompt.addUser(parts);
    case "assistant":
      return prompt.addAssistant(parts);
  }
}

function toModelParts(part: Exclude<Message["content"], string>[number]): ModelPart[] {
  switch (part.type) {
    case "output_text":
      return toTextParts(part.text);
    case "refusal":
      return toTextParts(part.refusal);
    case "input_text":
      return toTextParts(part.text);
    default:
      return [toModelPart(part)];
  }
}

function addReasoning(
  prompt: PromptBuilder,
  item: ItemOf<"reasoning">,
  { vendor, from }: StateReader,
  isTextShown: boolean,
): void {
  const text = [...(item.content ?? []), ...item.summary].map((part) => part.text).join("");
  const state = decodeReasoningState(vendor.stateOwner, item.encrypted_content, from);
  if (state?.own) prompt.addAssistant([{ type: "reasoning", text, providerOptions: state.own }]);
  // Reasoning with another vendor's encrypted content is dropped, its text too.
  else if (
    vendor.acceptsUnsignedReasoning &&
    isTextShown &&
    text !== "" &&
    (state !== undefined || !item.encrypted_content)
  ) {
    prompt.addAssistant([{ type: "reasoning", text }]);
  }
  if (state?.next) prompt.signNextCall(state.next);
  if (state?.calls) prompt.signCalls(state.calls);
}

function parseArguments(json: string): unknown {
  const parsed = parseJson(json);
  if (isObject(parsed)) return parsed;
  // Vendors accept only objects. A model that wrote something else sees it in a field.
  return json.trim() === "" ? {} : { arguments: json };
}

function toToolOutput(output: ItemOf<"function_call_output">["output"]): ToolOutput {
  if (typeof output === "string") return { type: "text", value: output };
  const parts = output.map(toModelPart);
  const isText = parts.every((part) => part.type === "text");
  if (isText) return { type: "text", value: parts.map((part) => part.text).join("\n") };
  return { type: "content", value: parts };
}

/** Fields that a model cannot read. Base64 of an image would cost a token for every few letters. */
const UNREADABLE_FIELDS = new Set(["id", "status", "created_by", "result", "image_url", "encrypted_content"]);

function describeItem(item: ContextItem): string {
  const fields = omitFields(item, "type");
  const readable = (name: string, value: unknown) => (UNREADABLE_FIELDS.has(name) ? undefined : value);
  // Escapes `<`, so that text in the item cannot end the item's tag.
  const json = JSON.stringify(fields, readable).replaceAll("<", String.raw`\u003c`);
  return `<${item.type}>${json}</${item.type}>`;
}
