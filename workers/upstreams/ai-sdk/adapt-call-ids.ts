/**
 * Adapts call ids to a vendor's rule. Clients see the original ids. A vendor that rejects an id gets a hash of it, which is
 * the same in each request so that the vendor's prompt cache matches. A valid id is sent unchanged.
 */
import { createHash } from "node:crypto";
import type { LanguageModelV4Message, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";

type CallIdRule = VendorTraits["call_ids"];

const RULES: Record<Exclude<CallIdRule, "any">, { fits: RegExp; characters: number }> = {
  up_to_40: { fits: /^.{1,40}$/s, characters: 24 },
  word_characters: { fits: /^[\w-]{1,64}$/, characters: 24 },
  nine_alphanumerics: { fits: /^[A-Za-z0-9]{9}$/, characters: 9 },
};
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export function adaptCallIds(prompt: LanguageModelV4Prompt, rule: CallIdRule): LanguageModelV4Prompt {
  if (rule === "any") return prompt;
  const names = assignCallIds(new Set(prompt.flatMap(collectCallIds)), rule);
  const rename = <P extends object>(part: P): P =>
    "toolCallId" in part && typeof part.toolCallId === "string"
      ? { ...part, toolCallId: names.get(part.toolCallId) ?? part.toolCallId }
      : part;
  return prompt.map((message) => {
    switch (message.role) {
      case "assistant":
        return { ...message, content: message.content.map(rename) };
      case "tool":
        return { ...message, content: message.content.map(rename) };
      default:
        return message;
    }
  });
}

function collectCallIds({ content }: LanguageModelV4Message): string[] {
  if (typeof content === "string") return [];
  return content.flatMap((part) => ("toolCallId" in part ? [part.toolCallId] : []));
}

/** Maps invalid ids to hashes, in order: later ids do not change earlier hashes. */
function assignCallIds(ids: ReadonlySet<string>, rule: Exclude<CallIdRule, "any">): Map<string, string> {
  const { fits, characters } = RULES[rule];
  const taken = new Set([...ids].filter((id) => fits.test(id)));
  const names = new Map<string, string>();
  for (const id of ids) {
    if (fits.test(id)) continue;
    let salt = 0;
    let name = hashCallId(id, salt, characters);
    while (taken.has(name)) name = hashCallId(id, ++salt, characters);
    taken.add(name);
    names.set(id, name);
  }
  return names;
}

function hashCallId(id: string, salt: number, characters: number): string {
  const digest = createHash("sha256").update(`${salt} ${id}`).digest();
  return Array.from(digest.subarray(0, characters), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}
