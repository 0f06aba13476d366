/** OpenAI's Responses API: how the fake reads requests, writes answers and rejects invalid requests. */
import { z } from "zod";
import {
  findBrokenRule,
  type Frame,
  interleave,
  type VendorMemory,
  type Oddity,
  type OpenVendor,
  type Rule,
} from "./protocol.ts";
import { type Step, type ScriptedTurn, words } from "./script.ts";

const itemSchema = z.looseObject({
  type: z.string().default("message"),
  id: z.string().optional(),
  call_id: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).optional(),
});
const bodySchema = z.looseObject({
  model: z.string(),
  input: z.array(itemSchema).min(1),
  stream: z.literal(true),
  store: z.boolean(),
  include: z.array(z.string()).optional(),
});
type Body = z.infer<typeof bodySchema>;
type Item = Body["input"][number];

export function openResponses(memory: VendorMemory): OpenVendor {
  return {
    readSteps: (body) => readSteps(bodySchema.parse(body).input),
    check: (body) => {
      const parsed = bodySchema.safeParse(body);
      if (!parsed.success) return { status: 400, message: z.prettifyError(parsed.error) };
      return findBrokenRule(RULES, parsed.data, memory);
    },
    write: (turn, body) => new ResponseWriter(memory).write(turn, bodySchema.parse(body)),
    describe: ({ status, message }) => ({
      error: { message, type: status === 429 ? "requests" : "invalid_request_error", param: "input", code: null },
    }),
    overloaded: { status: 429, message: "Rate limit reached for requests" },
    oddities: ODDITIES,
  };
}

function textOf(content: Item["content"] = ""): string {
  return typeof content === "string" ? content : content.map(({ text = "" }) => text).join("\n");
}

function readSteps(items: readonly Item[]): Step[] {
  return items.flatMap((item, index): Step[] => {
    if (item.role === "user") return [{ kind: "user", text: textOf(item.content) }];
    const isFirst = item.type === "function_call" && items[index - 1]?.type !== "function_call";
    return isFirst ? [{ kind: "calls" }] : [];
  });
}

const PREFIXES: Record<string, string> = { message: "msg", function_call: "fc", reasoning: "rs" };

const RULES: readonly Rule<Body>[] = [
  {
    source: "https://github.com/bytedance/trae-agent/issues/358",
    broken: ({ input }) => {
      const outputs = input.flatMap((item) => (item.type === "function_call_output" ? [item.call_id] : []));
      const open = input.find(
        ({ type, call_id }) => type === "function_call" && outputs.filter((each) => each === call_id).length !== 1,
      );
      return open && `No tool output found for function call ${open.call_id}.`;
    },
  },
  {
    source: "https://github.com/continuedev/continue/issues/10092",
    broken: ({ input }) => {
      const called = new Set<string | undefined>();
      for (const { type, call_id } of input) {
        if (type === "function_call") called.add(call_id);
        if (type === "function_call_output" && !called.has(call_id)) {
          return `No tool call found for function call output with call_id ${call_id}.`;
        }
      }
      return undefined;
    },
  },
  {
    source: "https://github.com/vercel/ai/issues/5171",
    broken: ({ input }) => {
      const index = input.findIndex(({ call_id }) => call_id !== undefined && call_id.length > 64);
      const length = input[index]?.call_id?.length;
      return index < 0
        ? undefined
        : `Invalid 'input[${index}].call_id': string too long. Expected a string with maximum length 64, but got a string with length ${length} instead.`;
    },
  },
  {
    source: "https://github.com/continuedev/continue/pull/11785",
    broken: ({ input }) => {
      for (const [index, { type, id }] of input.entries()) {
        const prefix = PREFIXES[type];
        if (prefix !== undefined && id !== undefined && !id.startsWith(prefix)) {
          return `Invalid 'input[${index}].id': '${id}'. Expected an ID that begins with '${prefix}'.`;
        }
      }
      return undefined;
    },
  },
  {
    source: "https://github.com/openai/openai-agents-python/issues/1660",
    broken: ({ input }, memory) => {
      for (const [index, item] of input.entries()) {
        if (item.type !== "reasoning") continue;
        const encrypted = item["encrypted_content"];
        if (memory.given(String(encrypted))?.includes(item.id) !== true) {
          return `The encrypted content ${String(encrypted).slice(0, 4)}... could not be verified. Reason: Encrypted content could not be decrypted or parsed.`;
        }
        const next = input[index + 1];
        if (next === undefined || next.role === "user") {
          return `Item '${item.id}' of type 'reasoning' was provided without its required following item.`;
        }
      }
      return undefined;
    },
  },
  {
    source: "https://github.com/TanStack/ai/issues/1212",
    broken: ({ input }, memory) => {
      for (const [index, { type, call_id }] of input.entries()) {
        const [reasoning] = type === "function_call" ? (memory.given(String(call_id)) ?? []) : [];
        const isThere = input.slice(0, index).some(({ id }) => id === reasoning);
        if (reasoning !== undefined && !isThere) {
          return `Item '${call_id}' of type 'function_call' was provided without its required 'reasoning' item: ${JSON.stringify(reasoning)}.`;
        }
      }
      return undefined;
    },
  },
];

class ResponseWriter {
  readonly #memory: VendorMemory;
  readonly #frames: Frame[] = [];
  readonly #output: object[] = [];

  constructor(memory: VendorMemory) {
    this.#memory = memory;
  }

  write(turn: ScriptedTurn, { model, include = [] }: Body): Frame[] {
    const response = { id: "resp_0", object: "response", model, status: "in_progress", output: [] };
    this.#frame("response.created", { response });
    const reasoning = turn.thinks === undefined ? undefined : this.#think(turn.thinks, include);
    if (turn.says !== undefined) this.#say(turn.says, turn.ends);
    for (const { name, arguments: args } of turn.calls ?? []) this.#call(name, JSON.stringify(args), reasoning);
    const isCut = turn.ends === "length";
    const usage = { input_tokens: 30, output_tokens: 7, total_tokens: 37 };
    const details = isCut ? { incomplete_details: { reason: "max_output_tokens" } } : {};
    const status = isCut ? "incomplete" : "completed";
    this.#frame(`response.${status}`, { response: { ...response, status, ...details, output: this.#output, usage } });
    return this.#frames;
  }

  /** Returns the id of the item, if clients may send it back. */
  #think(text: string, include: readonly string[]): string | undefined {
    const id = `rs_${this.#memory.next()}`;
    const encrypted_content = include.includes("reasoning.encrypted_content") ? this.#memory.newState() : undefined;
    if (encrypted_content !== undefined) this.#memory.keep(encrypted_content, id);
    const at = { item_id: id, output_index: this.#output.length, summary_index: 0 };
    const part = (whole: string) => ({ type: "summary_text", text: whole });
    this.#item({ type: "reasoning", id, summary: [] }, { summary: [part(text)], encrypted_content }, () => {
      this.#frame("response.reasoning_summary_part.added", { ...at, part: part("") });
      for (const delta of words(text)) this.#frame("response.reasoning_summary_text.delta", { ...at, delta });
      this.#frame("response.reasoning_summary_text.done", { ...at, text });
      this.#frame("response.reasoning_summary_part.done", { ...at, part: part(text) });
    });
    return encrypted_content === undefined ? undefined : id;
  }

  #say(text: string, ends: ScriptedTurn["ends"]): void {
    const id = `msg_${this.#memory.next()}`;
    const at = { item_id: id, output_index: this.#output.length, content_index: 0 };
    const isRefusal = ends === "refusal";
    const part = (whole: string) =>
      isRefusal
        ? { type: "refusal", refusal: whole }
        : { type: "output_text", text: whole, annotations: [], logprobs: [] };
    const name = isRefusal ? "refusal" : "output_text";
    const status = ends === "length" ? "incomplete" : "completed";
    this.#item(
      { type: "message", id, role: "assistant", status: "in_progress", content: [] },
      { status, content: [part(text)] },
      () => {
        this.#frame("response.content_part.added", { ...at, part: part("") });
        for (const delta of words(text))
          this.#frame(`response.${name}.delta`, { ...at, delta, logprobs: [], obfuscation: "xY" });
        this.#frame(`response.${name}.done`, { ...at, [isRefusal ? "refusal" : "text"]: text, logprobs: [] });
        this.#frame("response.content_part.done", { ...at, part: part(text) });
      },
    );
  }

  #call(name: string, json: string, reasoning: string | undefined): void {
    const n = this.#memory.next();
    const call_id = `call_${String(n).padStart(24, "0")}`;
    if (reasoning !== undefined) this.#memory.keep(call_id, reasoning);
    const at = { item_id: `fc_${n}`, output_index: this.#output.length };
    const item = { type: "function_call", id: at.item_id, call_id, name, status: "in_progress", arguments: "" };
    this.#item(item, { status: "completed", arguments: json }, () => {
      for (const delta of json.match(/.{1,9}/gs) ?? []) {
        this.#frame("response.function_call_arguments.delta", { ...at, delta, obfuscation: "xY" });
      }
      this.#frame("response.function_call_arguments.done", { ...at, arguments: json });
    });
  }

  #item(item: object, after: object, write: () => void): void {
    const output_index = this.#output.length;
    this.#frame("response.output_item.added", { output_index, item });
    write();
    const done = { ...item, ...after };
    this.#frame("response.output_item.done", { output_index, item: done });
    this.#output.push(done);
  }

  #frame(type: string, fields: object): void {
    this.#frames.push({ event: type, data: { type, sequence_number: this.#frames.length, ...fields } });
  }
}

const EVENTS = "https://platform.openai.com/docs/api-reference/responses-streaming";
const without = (frames: readonly Frame[], pattern: RegExp) => frames.filter(({ event = "" }) => !pattern.test(event));

const ODDITIES: readonly Oddity[] = [
  {
    name: "events of types to come",
    source: EVENTS,
    apply: (frames) => interleave(frames, { event: "response.new_thing", data: { type: "response.new_thing" } }),
  },
  {
    name: "no content parts",
    source: "https://github.com/vllm-project/vllm/issues/49721",
    apply: (frames) => without(frames, /content_part|summary_part/),
  },
  { name: "no deltas", source: EVENTS, apply: (frames) => without(frames, /\.delta$/) },
];
