/** Gemini's own protocol: how the fake reads requests, writes answers and rejects invalid requests. */
import { z } from "zod";
import {
  callKey,
  findBrokenRule,
  type Frame,
  type VendorMemory,
  type Oddity,
  type OpenVendor,
  type Rule,
} from "./protocol.ts";
import { type Step, type ScriptedTurn, words } from "./script.ts";

const partSchema = z.looseObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  thoughtSignature: z.string().optional(),
  functionCall: z.looseObject({ name: z.string(), args: z.unknown().optional() }).optional(),
  functionResponse: z.looseObject({ name: z.string(), response: z.unknown().optional() }).optional(),
});
const contentSchema = z.strictObject({ role: z.enum(["user", "model"]), parts: z.array(partSchema) });
const bodySchema = z.looseObject({
  contents: z.array(contentSchema).min(1),
  generationConfig: z
    .looseObject({ thinkingConfig: z.looseObject({ includeThoughts: z.boolean().optional() }).optional() })
    .optional(),
});
type Body = z.infer<typeof bodySchema>;
type Content = z.infer<typeof contentSchema>;

const FIELDS = new Set(
  "cachedContent contents generationConfig labels safetySettings serviceTier systemInstruction toolConfig tools".split(
    " ",
  ),
);
const PLACEHOLDER = "skip_thought_signature_validator";
const SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures";

export function openGemini(memory: VendorMemory): OpenVendor {
  return {
    readSteps: (body) => bodySchema.parse(body).contents.flatMap(stepsOf),
    check: (body) => {
      const parsed = bodySchema.safeParse(body);
      if (!parsed.success) return { status: 400, message: z.prettifyError(parsed.error) };
      return findBrokenRule(RULES, parsed.data, memory);
    },
    write: (turn, body) => writeTurn(turn, bodySchema.parse(body), memory),
    describe: ({ status: code, message }) => ({
      error: { code, message, status: code === 503 ? "UNAVAILABLE" : "INVALID_ARGUMENT" },
    }),
    overloaded: { status: 503, message: "The model is overloaded. Please try again later." },
    oddities: ODDITIES,
  };
}

const callsOf = (content: Content | undefined) => content?.parts.flatMap((part) => part.functionCall ?? []) ?? [];
const answersOf = (content: Content | undefined) => content?.parts.flatMap((part) => part.functionResponse ?? []) ?? [];

function stepsOf(content: Content): Step[] {
  if (content.role === "model") return callsOf(content).length > 0 ? [{ kind: "calls" }] : [];
  const texts = content.parts.flatMap(({ text }) => text ?? []);
  return texts.length === 0 ? [] : [{ kind: "user", text: texts.join("\n") }];
}

const RULES: readonly Rule<Body>[] = [
  {
    source: "https://ai.google.dev/api/generate-content",
    broken: (body) => {
      const extra = Object.keys(body).find((field) => !FIELDS.has(field));
      if (extra !== undefined) return `Invalid JSON payload received. Unknown name "${extra}": Cannot find field.`;
      const empty = body.contents.findIndex(({ parts }) => parts.length === 0);
      return empty < 0
        ? undefined
        : `* GenerateContentRequest.contents[${empty}].parts: contents.parts must not be empty.`;
    },
  },
  {
    source: "https://github.com/google-gemini/gemini-cli/issues/3814",
    broken: ({ contents }) => {
      const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).join();
      const isOff = contents.some((each, position) => {
        const [calls, answers] = [callsOf(each), answersOf(contents[position + 1])];
        if (calls.length > 0 && names(calls) !== names(answers)) return true;
        return answersOf(each).length > 0 && callsOf(contents[position - 1]).length === 0;
      });
      return isOff
        ? "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
        : undefined;
    },
  },
  {
    source: "https://ai.google.dev/gemini-api/docs/function-calling",
    broken: ({ contents }) =>
      contents.some((each, position) => callsOf(each).length > 0 && contents[position - 1]?.role !== "user")
        ? "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
        : undefined,
  },
  {
    source: SIGNATURES,
    broken: ({ contents }, memory) => {
      const lastUser = contents.findLastIndex((each) => stepsOf(each).some(({ kind }) => kind === "user"));
      for (const [position, content] of contents.entries()) {
        const calls = content.parts.filter(({ functionCall }) => functionCall !== undefined);
        for (const [at, { functionCall, thoughtSignature: sent }] of calls.entries()) {
          const given = memory.given(callKey(functionCall!.name, functionCall!.args));
          const isRight = given === undefined ? sent === undefined || sent === PLACEHOLDER : given.includes(sent);
          const isMissed = at === 0 && position > lastUser && sent === undefined;
          if (isRight && !isMissed) continue;
          return `Function call is missing a thought_signature in functionCall parts. Additional data, function call \`default_api:${functionCall!.name}\`, position ${position + 1}.`;
        }
      }
      return undefined;
    },
  },
  {
    source: "https://github.com/Kilo-Org/kilocode/issues/5333",
    broken: (body) =>
      /"parameters":\{.*"type":\[/.test(JSON.stringify(body["tools"] ?? []))
        ? "Invalid value at 'tools[0].function_declarations[0].parameters': Proto field is not repeating, cannot start list."
        : undefined,
  },
];

function writeTurn(turn: ScriptedTurn, body: Body, memory: VendorMemory): Frame[] {
  const shows = body.generationConfig?.thinkingConfig?.includeThoughts === true;
  const thoughts = shows ? words(turn.thinks ?? "").map((text) => ({ text, thought: true })) : [];
  const texts = words(turn.says ?? "").map((text) => ({ text }));
  const calls = (turn.calls ?? []).map(({ name, arguments: args }, position) => {
    const signature = position === 0 ? memory.newState() : undefined;
    memory.keep(callKey(name, args), signature);
    return { functionCall: { name, args }, ...(signature !== undefined && { thoughtSignature: signature }) };
  });
  const finishReason = { stop: "STOP", length: "MAX_TOKENS", refusal: "SAFETY" }[turn.ends ?? "stop"];
  const usageMetadata = { promptTokenCount: 30, candidatesTokenCount: 7, totalTokenCount: 37 };
  const chunk = (parts: readonly object[], fields: object = {}) => ({
    candidates: [{ content: { role: "model", parts }, index: 0, ...fields }],
    usageMetadata,
    modelVersion: "gemini-3-pro-preview",
    responseId: "r1",
  });
  return [
    ...[...thoughts, ...texts].map((part) => chunk([part])),
    ...(calls.length === 0 ? [] : [chunk(calls)]),
    chunk([{ text: "" }], { finishReason }),
  ].map((data) => ({ data }));
}

interface Chunk {
  candidates: { content: { parts: object[] }; finishReason?: string }[];
  usageMetadata?: object;
}

const mapChunks = (frames: readonly Frame[], change: (chunk: Chunk) => object): Frame[] =>
  frames.map(({ data }) => ({ data: change(data as Chunk) }));

const ODDITIES: readonly Oddity[] = [
  {
    name: "a last chunk without content",
    source: "https://github.com/symfony/ai/pull/1610",
    apply: (frames) =>
      mapChunks(frames, (chunk) => {
        const candidates = chunk.candidates.map(({ content, ...rest }) =>
          rest.finishReason === undefined ? { content, ...rest } : rest,
        );
        return { ...chunk, candidates };
      }),
  },
  {
    name: "chunks without candidates",
    source: "https://github.com/BerriAI/litellm/pull/29167",
    apply: (frames) =>
      frames.flatMap((frame) => [frame, { data: { usageMetadata: { promptTokenCount: 30 } } }]).slice(0, -1),
  },
  {
    name: "no usage",
    source: "https://ai.google.dev/api/generate-content",
    apply: (frames) => mapChunks(frames, (chunk) => ({ ...chunk, usageMetadata: undefined })),
  },
];
