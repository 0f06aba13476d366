/**
 * The messages of a template with its variables filled in. A string takes the place of its placeholder; an image, a file
 * or a part of text stands between what was before the placeholder and what was after it.
 */
import { echoContent } from "../lifecycle/echo.ts";
import { missingParameter, unknownParameter } from "../lifecycle/errors/api-error.ts";
import { filledPromptTooLong, textVariableExpected } from "../lifecycle/errors/requests.ts";
import type { AnsweredContent } from "../protocol/content.ts";
import type { InstructionMessage } from "../protocol/items/message.ts";
import type { PromptVariables } from "../protocol/settings.ts";
import type { TemplatePiece } from "./placeholders.ts";
import { templatePiecesOf, type PromptTemplate, type TemplatePart } from "./template.ts";

/** What each variable holds. A map, because a variable may be called `constructor`. */
type Values = ReadonlyMap<string, string | AnsweredContent>;

/** Throws the contract's 400 unless exactly the template's variables are given, and fill it to `maxLength` at most. */
export function fillTemplate(
  template: PromptTemplate,
  variables: PromptVariables,
  maxLength: number,
): InstructionMessage[] {
  const values: Values = new Map(
    Object.entries(variables).map(([name, value]) => [name, typeof value === "string" ? value : echoContent(value)]),
  );
  for (const name of template.variables) {
    if (!values.has(name)) throw missingParameter(`prompt.variables.${name}`);
  }
  for (const name of values.keys()) {
    if (!template.variables.has(name)) throw unknownParameter(`prompt.variables.${name}`);
  }
  const length = filledLength(template, values);
  if (length > maxLength) throw filledPromptTooLong(length, maxLength);
  return template.messages.map((message) => {
    if (message.role === "assistant") {
      return { type: "message", role: message.role, content: message.pieces.map((p) => textOf(p, values)).join("") };
    }
    return { type: "message", role: message.role, content: message.parts.flatMap((part) => fillPart(part, values)) };
  });
}

/** Counted before anything is built, in characters; of a part, those of its JSON. */
function filledLength(template: PromptTemplate, values: Values): number {
  const lengths = new Map([...values].map(([name, value]) => [name, lengthOf(value)]));
  return template.messages
    .flatMap(templatePiecesOf)
    .reduce((sum, piece) => sum + (typeof piece === "string" ? piece.length : lengths.get(piece.variable)!), 0);
}

function lengthOf(value: string | AnsweredContent): number {
  return typeof value === "string" ? value.length : JSON.stringify(value).length;
}

function textOf(piece: TemplatePiece, values: Values): string {
  if (typeof piece === "string") return piece;
  const value = values.get(piece.variable)!;
  if (typeof value === "string") return value;
  if (value.type !== "input_text") throw textVariableExpected(piece.variable);
  return value.text;
}

function fillPart(part: TemplatePart, values: Values): AnsweredContent[] {
  if (part.type !== "template") return [part];
  const filled: AnsweredContent[] = [];
  let texts: string[] = [];
  const endText = (): void => {
    const text = texts.join("");
    if (text !== "") filled.push({ type: "input_text", text });
    texts = [];
  };
  for (const piece of part.pieces) {
    const value = typeof piece === "string" ? piece : values.get(piece.variable)!;
    if (typeof value === "string") {
      texts.push(value);
    } else {
      endText();
      filled.push(value);
    }
  }
  endText();
  // A message without any content is refused by some providers.
  const last = filled.pop() ?? { type: "input_text", text: "" };
  // What the template says of the whole part, a breakpoint, is said at its end.
  return [...filled, { ...last, ...part.breakpoint }];
}
