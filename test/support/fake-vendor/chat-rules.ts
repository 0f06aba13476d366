/**
 * The requests that vendors of chat completions reject, each in the quoted vendor's words. vendors.ts lists each
 * vendor's rules.
 */
import type { ChatBody, ChatMessage, ChatRule, GivenTurn } from "./chat.ts";
import { textOf, turnKey } from "./chat.ts";
import { callKey, canonical, type VendorMemory, type Source } from "./protocol.ts";

const PLACEHOLDER = "skip_thought_signature_validator";

/** Each call is answered once, right after its message, and nothing else is. */
export function callsAnswered(source: Source, say: (ids: readonly string[]) => string): ChatRule {
  return {
    source,
    broken: ({ messages }) => {
      for (const [index, message] of messages.entries()) {
        if (message.role === "tool" && !["tool", "assistant"].includes(messages[index - 1]?.role ?? "")) {
          return "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        }
        if (message.role !== "assistant") continue;
        const open = (message.tool_calls ?? []).map(({ id }) => id);
        const end = messages.findIndex(({ role }, at) => at > index && role !== "tool");
        const answers = messages.slice(index + 1, end < 0 ? undefined : end).map((each) => each.tool_call_id ?? "");
        if (canonical(open.toSorted()) !== canonical(answers.toSorted())) return say(open);
      }
      return undefined;
    },
  };
}

/** In the call and in its answer. */
export function idsFit(source: Source, fits: RegExp, say: (id: string, index: number) => string): ChatRule {
  return {
    source,
    broken: ({ messages }) => {
      for (const [index, { tool_calls = [], tool_call_id }] of messages.entries()) {
        const ids = [...tool_calls.map(({ id }) => id), ...(tool_call_id === undefined ? [] : [tool_call_id])];
        const unfit = ids.find((id) => !fits.test(id));
        if (unfit !== undefined) return say(unfit, index);
      }
      return undefined;
    },
  };
}

/** Fields of the body and of messages that the vendor knows. It rejects all others. */
export function onlyFields(
  source: Source,
  known: { body: readonly string[]; assistant: readonly string[] },
  say: (field: string, index?: number) => string,
  status = 400,
): ChatRule {
  return {
    source,
    status,
    broken: ({ ...body }) => {
      const extra = Object.keys(body).find((field) => !known.body.includes(field));
      if (extra !== undefined) return say(extra);
      for (const [index, message] of body.messages.entries()) {
        if (message.role !== "assistant") continue;
        const field = Object.keys(message).find((name) => !known.assistant.includes(name));
        if (field !== undefined) return say(field, index);
      }
      return undefined;
    },
  };
}

export function systemFirst(source: Source, message: string): ChatRule {
  return {
    source,
    broken: ({ messages }) =>
      messages.some(({ role }, index) => role === "system" && index > 0) ? message : undefined,
  };
}

/** Between user and assistant. Tools answer in between. */
export function alternating(source: Source, message: string): ChatRule {
  return {
    source,
    broken: ({ messages }) => {
      const roles = messages.map(({ role }) => role);
      const isTwice = roles.some((role, index) => role !== "tool" && role !== "system" && role === roles[index - 1]);
      return isTwice ? message : undefined;
    },
  };
}

export function noUserAfterTool(source: Source): ChatRule {
  return {
    source,
    broken: ({ messages }) =>
      messages.some(({ role }, index) => role === "user" && messages[index - 1]?.role === "tool")
        ? "Unexpected role 'user' after role 'tool'"
        : undefined,
  };
}

export function lastIsNotAssistant(source: Source): ChatRule {
  return {
    source,
    broken: ({ messages }) =>
      messages.at(-1)?.role === "assistant" && messages.at(-1)?.["prefix"] !== true
        ? "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
        : undefined,
  };
}

/** An assistant's message has a text or calls. */
export function nothingBlank(source: Source, message: string): ChatRule {
  const isBlank = ({ content, tool_calls }: ChatMessage) => textOf(content).trim() === "" && !tool_calls?.length;
  return {
    source,
    broken: ({ messages }) =>
      messages.some((each) => each.role === "assistant" && isBlank(each)) ? message : undefined,
  };
}

/** Its own calls come with their reasoning; another model's calls with an empty field at least. */
export function reasoningReturned(source: Source, message: string): ChatRule {
  return {
    source,
    broken: (body, memory) => {
      if (isThinkingDisabled(body)) return undefined;
      const calling = body.messages.filter(({ tool_calls }) => tool_calls !== undefined);
      return calling.every((each) => hasReasoning(each, memory)) ? undefined : message;
    },
  };
}

export function isThinkingDisabled(body: ChatBody): boolean {
  return canonical(body["thinking"]) === canonical({ type: "disabled" });
}

function hasReasoning(message: ChatMessage, memory: VendorMemory): boolean {
  const text = message["reasoning_content"];
  const given = givenTurns(message, memory);
  // Turns without thinking have none.
  return typeof text === "string" && (given.length === 0 || given.some(({ reasoning }) => reasoning === text));
}

/** One, unless the same call was made twice. */
function givenTurns({ tool_calls = [] }: ChatMessage, memory: VendorMemory): GivenTurn[] {
  const [call] = tool_calls;
  if (call === undefined) return [];
  const { name, arguments: json } = call.function;
  return [...(memory.given(turnKey(name, JSON.parse(json))) ?? [])] as GivenTurn[];
}

export function noForcedCallWhileThinking(source: Source, message: string): ChatRule {
  return {
    source,
    broken: (body) =>
      !isThinkingDisabled(body) && body["tool_choice"] !== undefined && body["tool_choice"] !== "auto"
        ? message
        : undefined,
  };
}

/** Its own calls return under their original ids. The model reads them, and says nothing if they differ. */
export function ownIds(source: Source): ChatRule {
  return {
    source,
    broken: ({ messages }, memory) => {
      const calls = messages.flatMap(({ tool_calls = [] }) => tool_calls);
      const changed = calls.find(({ id, function: { name, arguments: json } }) => {
        const given = memory.given(`ids of ${callKey(name, JSON.parse(json))}`);
        return given !== undefined && !given.includes(id);
      });
      return changed && `The call of ${changed.function.name} came back under the id ${changed.id}.`;
    },
  };
}

/** The details of its own messages return exactly unchanged. */
export function detailsReturned(source: Source): ChatRule {
  return {
    source,
    broken: ({ messages }, memory) => {
      for (const [index, message] of messages.entries()) {
        if (message.role !== "assistant" || message.tool_calls === undefined) continue;
        const given = givenTurns(message, memory).map(({ details }) => canonical(details));
        const sent = canonical(message["reasoning_details"]);
        if (given.includes(sent) || (given.length === 0 && sent === canonical(undefined))) continue;
        return `messages.${index}.content.0: Invalid \`signature\` in \`thinking\` block`;
      }
      return undefined;
    },
  };
}

/**
 * In the current turn, the first call of each message carries its signature, or the placeholder if another model made
 * it.
 */
export function signaturesReturned(source: Source): ChatRule {
  return {
    source,
    broken: ({ messages }, memory) => {
      const lastUser = messages.findLastIndex(({ role }) => role === "user");
      for (const [index, { tool_calls = [] }] of messages.entries()) {
        for (const [at, { function: fn, ...call }] of tool_calls.entries()) {
          const sent = signatureOf(call["extra_content"]);
          const given = memory.given(callKey(fn.name, JSON.parse(fn.arguments)));
          if (given === undefined ? sent === undefined || sent === PLACEHOLDER : given.includes(sent)) {
            if (at > 0 || index < lastUser || sent !== undefined) continue;
          }
          return `Function call is missing a thought_signature in functionCall parts. Additional data, function call \`default_api:${fn.name}\`, position ${index + 1}.`;
        }
      }
      return undefined;
    },
  };
}

function signatureOf(extra: unknown): unknown {
  if (typeof extra !== "object" || extra === null || !("google" in extra)) return undefined;
  const { google } = extra;
  return typeof google === "object" && google !== null && "thought_signature" in google
    ? google.thought_signature
    : undefined;
}

export function schemaKeywords(source: Source, unknown: readonly string[]): ChatRule {
  const keyword = new RegExp(`"(${unknown.map((each) => each.replace("$", String.raw`\$`)).join("|")})":`);
  return {
    source,
    broken: ({ tools }) => {
      const found = keyword.exec(JSON.stringify(tools ?? []))?.[1];
      return (
        found && `Invalid JSON payload received. Unknown name "${found}" at 'tools.function_declarations.parameters'`
      );
    },
  };
}

export function toolsNamedOnce(source: Source): ChatRule {
  return {
    source,
    broken: ({ tools = [] }) => {
      const names = tools.map((tool) => tool.function.name);
      return new Set(names).size === names.length ? undefined : "tools: Tool names must be unique.";
    },
  };
}
