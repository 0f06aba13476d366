/**
 * `{{variable}}` in a template's text. A text is taken apart once, when its file is read; filling it in is putting the
 * pieces together, so that what a variable holds is never read as a placeholder.
 */

export type TemplatePiece = string | { variable: string };

/** A name begins with a letter: so `__proto__` is none. */
const NAME = "[A-Za-z][A-Za-z0-9_-]{0,63}";
/** `\{{`; or `{{`, with the rest of a placeholder if it is one. */
const PLACEHOLDER_PATTERN = new RegExp(String.raw`\\\{\{|\{\{(?:[ \t]*(${NAME})[ \t]*\}\})?`, "g");
const SHOWN_CHARACTERS = 24;

export class PlaceholderError extends Error {
  override readonly name = "PlaceholderError";
  constructor(found: string) {
    super(`'${found}' does not begin a placeholder like {{variable}}. Write \\{{ for two braces.`);
  }
}

/** The pieces of `text` in their order, none of them empty. `\{{` is two braces. */
export function splitPlaceholders(text: string): TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  let literal = "";
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER_PATTERN)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const variable = match[1];
    if (match[0] === "\\{{") {
      literal += "{{";
    } else if (variable === undefined) {
      throw new PlaceholderError(text.slice(match.index, match.index + SHOWN_CHARACTERS));
    } else {
      if (literal !== "") pieces.push(literal);
      pieces.push({ variable });
      literal = "";
    }
  }
  literal += text.slice(end);
  return literal === "" ? pieces : [...pieces, literal];
}
