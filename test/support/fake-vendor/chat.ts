/** The protocol of chat completions: how the fakes read requests, and how each vendor writes answers. */
import { z } from "zod";
import {
  callKey,
  findBrokenRule,
  type Frame,
  type VendorMemory,
  type Oddity,
  type OpenVendor,
  type VendorRejection,
  type Rule,
} from "./protocol.ts";
import { type Step, type ScriptedTurn, words } from "./script.ts";

const callSchema = z.looseObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});
const textSchema = z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]);
const messageSchema = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: textSchema.nullish(),
  tool_calls: z.array(callSchema).optional(),
  tool_call_id: z.string().optional(),
});
const bodySchema = z.looseObject({
  model: z.string(),
  messages: z.array(messageSchema).min(1),
  stream: z.literal(true),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }) })).optional(),
});

export type ChatMessage = z.infer<typeof messageSchema>;
export type ChatBody = z.infer<typeof bodySchema>;
export type ChatRule = Rule<ChatBody>;

/** A vendor's way of writing. */
export interface ChatStyle {
  /** The id of its nth call. */
  callId: (n: number, name: string) => string;
  /** Where it writes the model's reasoning. */
  thinking: "reasoning_content" | "reasoning" | "think_tags" | "thinking_parts" | "reasoning_details";
  /** `pieces`: a call comes in several chunks. `whole`: in one. `whole_at_0`: in one, and each has the index 0. */
  calls: "pieces" | "whole" | "whole_at_0";
  /** Whether a call carries a signature in `extra_content`. */
  signsCalls?: boolean;
  /** `own_chunk`: in a chunk without choices. `last_chunk`: with the reason to finish. `x_groq`: there, in a field of its own. */
  usage: "own_chunk" | "last_chunk" | "x_groq";
  /** Whether the request disables thinking. */
  isThinkingOff?: (body: ChatBody) => boolean;
}

export interface ChatVendor {
  style: ChatStyle;
  rules: readonly ChatRule[];
  describe: (rejection: VendorRejection) => unknown;
  overloaded: VendorRejection;
  oddities: readonly Oddity[];
}

export function openChat(
  { style, rules, describe, overloaded, oddities }: ChatVendor,
  memory: VendorMemory,
): OpenVendor {
  return {
    readSteps: (body) => readSteps(bodySchema.parse(body)),
    check: (body) => {
      const parsed = bodySchema.safeParse(body);
      if (!parsed.success) return { status: 400, message: z.prettifyError(parsed.error) };
      return findBrokenRule(rules, parsed.data, memory);
    },
    write: (turn, body) => new ChatWriter(style, memory).write(turn, bodySchema.parse(body)),
    describe,
    overloaded,
    oddities,
  };
}

export function textOf(content: ChatMessage["content"]): string {
  if (content == null) return "";
  return typeof content === "string" ? content : content.map(({ text = "" }) => text).join("");
}

function readSteps({ messages }: ChatBody): Step[] {
  return messages.flatMap((message): Step[] => {
    if (message.role === "user") return [{ kind: "user", text: textOf(message.content) }];
    return message.tool_calls === undefined ? [] : [{ kind: "calls" }];
  });
}

/** Keyed by the arguments of each call, because another vendor may use another id for it. */
export function turnKey(name: string, args: unknown): string {
  return `turn of ${callKey(name, args)}`;
}

/** The remembered state of a turn with calls. */
export interface GivenTurn {
  reasoning: string;
  details: readonly object[] | undefined;
}

const REASONS = { stop: "stop", length: "length", refusal: "content_filter" } as const;

class ChatWriter {
  readonly #style: ChatStyle;
  readonly #memory: VendorMemory;
  readonly #frames: Frame[] = [];
  #model = "";

  constructor(style: ChatStyle, memory: VendorMemory) {
    this.#style = style;
    this.#memory = memory;
  }

  write(turn: ScriptedTurn, body: ChatBody): Frame[] {
    this.#model = body.model;
    const thinks = this.#style.isThinkingOff?.(body) === true ? undefined : turn.thinks;
    this.#delta({ role: "assistant", content: "" });
    const details = thinks === undefined ? undefined : this.#think(thinks);
    for (const content of words(turn.says ?? "")) this.#delta({ content });
    const calls = turn.calls ?? [];
    this.#call(calls);
    const given: GivenTurn = { reasoning: thinks ?? "", details };
    for (const { name, arguments: args } of calls) this.#memory.keep(turnKey(name, args), given);
    this.#end(calls.length > 0 ? "tool_calls" : REASONS[turn.ends ?? "stop"]);
    return this.#frames;
  }

  /** Returns the details that the message must carry back. */
  #think(text: string): object[] | undefined {
    switch (this.#style.thinking) {
      case "think_tags":
        for (const content of ["<thi", "nk>", ...words(text), "</think>", "\n\n"]) this.#delta({ content });
        return undefined;
      case "thinking_parts":
        for (const word of words(text)) {
          this.#delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: word }] }] });
        }
        return undefined;
      case "reasoning_details": {
        const detail = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
        for (const word of words(text)) {
          this.#delta({ reasoning: word, reasoning_details: [{ ...detail, text: word }] });
        }
        const signature = this.#memory.newState();
        this.#delta({ reasoning_details: [{ ...detail, signature }] });
        return [{ ...detail, text, signature }];
      }
      default:
        for (const word of words(text)) this.#delta({ [this.#style.thinking]: word });
        return undefined;
    }
  }

  #call(calls: NonNullable<ScriptedTurn["calls"]>): void {
    for (const [callIndex, { name, arguments: args }] of calls.entries()) {
      const id = this.#style.callId(this.#memory.next(), name);
      this.#memory.keep(`ids of ${callKey(name, args)}`, id);
      const index = this.#style.calls === "whole_at_0" ? 0 : callIndex;
      const json = JSON.stringify(args);
      // The first of several parallel calls carries the signature.
      const signature = this.#style.signsCalls === true && callIndex === 0 ? this.#memory.newState() : undefined;
      const signed = signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
      if (this.#style.signsCalls === true) this.#memory.keep(callKey(name, args), signature);
      const begin = { index, id, type: "function", ...signed };
      if (this.#style.calls !== "pieces")
        this.#delta({ tool_calls: [{ ...begin, function: { name, arguments: json } }] });
      else {
        this.#delta({ tool_calls: [{ ...begin, function: { name, arguments: "" } }] });
        for (const piece of json.match(/.{1,9}/gs) ?? []) {
          this.#delta({ tool_calls: [{ index, function: { arguments: piece } }] });
        }
      }
    }
  }

  #end(finish_reason: string): void {
    const usage = { prompt_tokens: 30, completion_tokens: 7, total_tokens: 37 };
    const choice = { index: 0, delta: {}, finish_reason };
    switch (this.#style.usage) {
      case "own_chunk":
        this.#chunk({ choices: [choice] });
        this.#chunk({ choices: [], usage });
        break;
      case "last_chunk":
        this.#chunk({ choices: [choice], usage });
        break;
      case "x_groq":
        this.#chunk({ choices: [choice], x_groq: { id: "req_1", usage }, usage });
    }
    this.#frames.push({ data: "[DONE]" });
  }

  #delta(delta: object): void {
    this.#chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
  }

  #chunk(fields: object): void {
    const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: this.#model };
    this.#frames.push({ data: { ...chunk, ...fields } });
  }
}
