/** One version of a prompt: the format of its file, and its parsed form. */
import { z } from "zod";
import { echoContent } from "../lifecycle/echo.ts";
import { type AnsweredContent, inputFileSchema, inputImageSchema, inputTextSchema } from "../protocol/content.ts";
import { createRequestSchema } from "../protocol/create-request.ts";
import type { InstructionMessage } from "../protocol/items/message.ts";
import { type TemplatePiece, PlaceholderError, splitPlaceholders } from "./placeholders.ts";

/**
 * Parameters that a template may default: those that shape the run. The request alone decides its user, delivery,
 * deadline and retention.
 */
const DEFAULTS = {
  model: true,
  moderation: true,
  include: true,
  tools: true,
  tool_choice: true,
  text: true,
  temperature: true,
  top_p: true,
  presence_penalty: true,
  frequency_penalty: true,
  parallel_tool_calls: true,
  max_output_tokens: true,
  max_tool_calls: true,
  reasoning: true,
  prompt_cache_options: true,
  prompt_cache_key: true,
  prompt_cache_retention: true,
  truncation: true,
  service_tier: true,
  top_logprobs: true,
  context_management: true,
  image: true,
} as const;

const defaultsSchema = createRequestSchema.pick(DEFAULTS);
export type TemplateDefaults = z.infer<typeof defaultsSchema>;

const templateTextSchema = z.string().transform((text, context): TemplatePiece[] => {
  try {
    return splitPlaceholders(text);
  } catch (error) {
    if (!(error instanceof PlaceholderError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

const templatePartSchema = z.discriminatedUnion("type", [
  z.object({ ...inputTextSchema.shape, text: templateTextSchema }),
  inputImageSchema,
  inputFileSchema,
]);

const asParts = (content: unknown): unknown =>
  typeof content === "string" ? [{ type: "input_text", text: content }] : content;

/** Assistant messages hold only text, because no provider accepts anything else. */
const templateMessageSchema = z.discriminatedUnion("role", [
  z.object({
    type: z.literal("message").exactOptional(),
    role: z.enum(["system", "developer", "user"]),
    content: z.preprocess(asParts, z.array(templatePartSchema).min(1)),
  }),
  z.object({
    type: z.literal("message").exactOptional(),
    role: z.literal("assistant"),
    content: templateTextSchema,
  }),
]);

/** `instructions` becomes one developer message before `messages`. */
export const templateFileSchema = z.strictObject({
  instructions: templateTextSchema.exactOptional(),
  messages: z.array(templateMessageSchema).exactOptional(),
  ...defaultsSchema.shape,
});

/** A part without placeholders is already in its final form. */
export type TemplatePart =
  | { type: "template"; pieces: readonly TemplatePiece[]; breakpoint: Pick<AnsweredContent, "prompt_cache_breakpoint"> }
  | AnsweredContent;

export type TemplateMessage =
  | { role: Exclude<InstructionMessage["role"], "assistant">; parts: readonly TemplatePart[] }
  | { role: "assistant"; pieces: readonly TemplatePiece[] };

export interface PromptTemplate {
  version: string;
  messages: readonly TemplateMessage[];
  /** Every variable that the messages use. A request must give each of them and no others. */
  variables: ReadonlySet<string>;
  defaults: TemplateDefaults;
}

export function makeTemplate(version: string, file: z.infer<typeof templateFileSchema>): PromptTemplate {
  const { instructions, messages = [], ...defaults } = file;
  const templateMessages: TemplateMessage[] = messages.map((message) =>
    message.role === "assistant"
      ? { role: message.role, pieces: message.content }
      : { role: message.role, parts: message.content.map(makePart) },
  );
  if (instructions !== undefined) {
    templateMessages.unshift({ role: "developer", parts: [makePart({ type: "input_text", text: instructions })] });
  }
  const pieces = templateMessages.flatMap(templatePiecesOf);
  const variables = new Set(pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.variable])));
  return { version, messages: templateMessages, variables, defaults };
}

function makePart(part: z.infer<typeof templatePartSchema>): TemplatePart {
  if (part.type !== "input_text") return echoContent(part);
  const { text: pieces, prompt_cache_breakpoint: breakpoint } = part;
  return { type: "template", pieces, breakpoint: breakpoint == null ? {} : { prompt_cache_breakpoint: breakpoint } };
}

export function templatePiecesOf(message: TemplateMessage): readonly TemplatePiece[] {
  if (message.role === "assistant") return message.pieces;
  return message.parts.flatMap((part) => (part.type === "template" ? part.pieces : []));
}
