/**
 * Fills in the messages of a template. A string replaces its placeholder; an image, a file or a text part becomes a
 * part of its own between the text before and after the placeholder.
 */
import { echoContent } from "../lifecycle/echo.ts";
import { missingParameter, unknownParameter } from "../lifecycle/errors/api-error.ts";
import { filledPromptTooLong, textVariableExpected } from "../lifecycle/errors/requests.ts";
import type { AnsweredContent } from "../protocol/content.ts";
import type { InstructionMessage } from "../protocol/items/message.ts";
import type { PromptVariables } from "../protocol/request-options.ts";
import type { TemplatePiece } from "./placeholders.ts";
import { templatePiecesOf, type PromptTemplate, type TemplatePart } from "./template.ts";

/** Values by variable. A Map, because a variable may be named `constructor`. */
type Values = ReadonlyMap<string, string | AnsweredContent>;

/**
 * Throws the contract's 400 unless `values` has exactly the template's variables and the result stays within
 * `maxLength`.
 */
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

/** Computed before anything is built, in characters. A part counts as its JSON. */
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
  // Some providers reject a message without content.
  const last = filled.pop() ?? { type: "input_text", text: "" };
  // A cache breakpoint of the template's part applies to its last piece.
  return [...filled, { ...last, ...part.breakpoint }];
}
